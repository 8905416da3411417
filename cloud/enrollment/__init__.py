"""Stage 1: an owner consents, a gateway is commissioned, and the site may be dispatched."""
