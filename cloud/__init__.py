"""The cloud aggregator: seven stages of the value stream around one chain of record."""
