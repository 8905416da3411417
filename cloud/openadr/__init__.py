"""Utility events over OpenADR 2.0b: a neutral notice, and the VEN that fetches it."""
