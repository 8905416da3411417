"""What happens on the demo's market day, when, and through which doors."""
