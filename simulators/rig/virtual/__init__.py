"""The same world in one process on virtual time: broker, links and HTTP in memory."""
