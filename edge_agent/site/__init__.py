"""One site at work: its devices, its loops, its memory and what it tells the cloud."""
