"""The world of a run as real processes on loopback, and the simulated clock that they share."""
