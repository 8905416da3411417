"""The grid around the simulated devices: frequency and voltage over time, by script, command, trace or model."""
