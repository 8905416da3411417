"""The commands of ``vpp-sim``, one a module: what it takes, and what it runs."""
