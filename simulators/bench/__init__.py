"""One device on the bench: settings become a unit with registers, wire, faults and a log."""
