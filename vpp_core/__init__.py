"""The shared vocabulary of Gridchorus: quantities, time, ids, money, devices and the edge-cloud messages.

Nothing here does I/O. SI units, injection positive, UTC, half-open intervals.
"""
