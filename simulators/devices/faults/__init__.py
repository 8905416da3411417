"""What may be wrong with a simulated device, raised by command or script, and repeatable by its seed."""
