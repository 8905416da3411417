"""Stage 5: what was promised becomes setpoints, and setpoints are followed until they are done."""
