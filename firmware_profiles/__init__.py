"""Declarative device profiles: how to find, read and command one family of devices."""

from firmware_profiles.book import ProfileBook, load_profiles
from firmware_profiles.profile import Profile, profile_schema

__all__ = ["Profile", "ProfileBook", "load_profiles", "profile_schema"]
