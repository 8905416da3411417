"""How a measured value compares with a threshold: one rule, so that no float decides a trip.

A value within half a millionth (0.5 uHz, 0.5 millionths of a unit) of a threshold counts as standing at it,
which is what a comparison of whole uHz would say; a timer within a microsecond of its end has ended.
"""

EDGE = 5e-7
EDGE_S = 1e-6
