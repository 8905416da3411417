"""Stage 3: which product in which hour may be worth what."""
