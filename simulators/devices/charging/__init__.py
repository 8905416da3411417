"""A charging station on the bench: vehicles, the control pilot, phase switching and a fail-safe."""
