"""Meters: energy by phase, direction and quadrant, and the registers in which meters show it."""
