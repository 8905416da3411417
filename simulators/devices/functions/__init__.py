"""What an inverter does by itself: the autonomous functions of IEEE 1547-2018, held to a second truth."""
