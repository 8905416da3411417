"""The grid around the simulated devices: frequency and voltage by script, command, trace or model."""
