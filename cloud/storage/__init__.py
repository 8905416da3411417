"""Where the cloud keeps what must not be lost: one SQL database, one schema history."""
