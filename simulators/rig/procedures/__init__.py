"""Procedures that test a real or simulated device by its registers, and say what they measured."""
