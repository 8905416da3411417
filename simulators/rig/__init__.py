"""The rig: everything of Gridchorus in one place, on a simulated clock; the demo and the scenario tests."""
