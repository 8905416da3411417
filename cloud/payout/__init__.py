"""Stage 7: who is paid what, on books that balance, and a statement that says why."""
