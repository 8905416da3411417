"""The cloud over HTTP: what every stage offers, behind one token."""
