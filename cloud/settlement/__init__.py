"""Stage 6: what was delivered, against which baseline, and what it is worth."""
