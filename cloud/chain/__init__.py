"""The chain of record: every promise of the platform, from consent to payment, as linked rows."""
