"""From the broker to the store: what sites report, checked, kept once, and acknowledged."""
