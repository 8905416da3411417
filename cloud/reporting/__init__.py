"""Stage 7: the figures of the scorecard, each with the records that it was computed from."""
