"""The grid as the sites see it: frequency and voltage by script."""
