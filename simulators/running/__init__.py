"""A fleet while it runs: its world and the tick that moves it, its ports, its log and its picture."""
