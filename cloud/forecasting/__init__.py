"""Stage 2: what the fleet is expected to do, and what it can do."""
