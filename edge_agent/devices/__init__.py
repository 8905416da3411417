"""Devices on the wire: links, the SunSpec codec, discovery and the driver."""
