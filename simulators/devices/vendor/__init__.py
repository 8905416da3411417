"""Register maps that are a vendor's own: flat tables of points without SunSpec's models."""
