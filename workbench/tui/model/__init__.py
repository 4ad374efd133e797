"""What the dashboard knows, and how it hears of changes."""
