"""The other side of every wire: devices, grid, market and utility, and the rig that plays them all."""
