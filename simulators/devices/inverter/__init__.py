"""An inverter as physics: capability, energy, heat, commands, and what its own instruments show."""
