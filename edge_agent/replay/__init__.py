"""``vpp-edge replay``: test cases through the control code, computed values beside the expected ones."""
