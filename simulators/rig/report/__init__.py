"""What a run has to show: gathered from the API, on the terminal, as files and as a page."""
