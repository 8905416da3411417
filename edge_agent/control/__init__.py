"""The control law of a site, pure: no waiting, no sockets, no files, no clock; ``now`` is an argument."""
