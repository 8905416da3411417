"""Putting a site into service: what the devices are, and proof that they obey and revert."""

from edge_agent.commissioning.checks import commission

__all__ = ["commission"]
