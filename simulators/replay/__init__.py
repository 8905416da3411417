"""Replay of recorded answers: the simulated unit's functions beside a second truth, case by case."""
