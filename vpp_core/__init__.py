"""The shared vocabulary of Gridchorus: quantities, time, ids, money, devices and the edge-cloud messages.

Nothing here does I/O, but that a clock reads the time and settings, when a process makes them, its
environment. SI units, injection positive, UTC, half-open intervals.
"""
