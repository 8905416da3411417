"""What a procedure stands on: the wire to the device, the grid source, the instruments and the record."""
