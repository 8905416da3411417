"""The one frequency dip of the demo: deep enough for full activation, short enough to watch."""

DIP_SHAPE = {"nadir_hz": 59.5, "fall_s": 0.5, "hold_s": 2.5, "recovery_s": 2.0}
