"""A day-ahead market that clears against real ERCOT prices; reached over HTTP only."""
