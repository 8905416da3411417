"""A thermostat in a house: heat, a compressor, an occupant, and a utility's events by OpenADR."""
