"""Small extracts of real, measured series, their loaders, and the one series that is synthetic.

``README.md`` names source and licence of each file; ``make_extracts.py`` made them.
"""
