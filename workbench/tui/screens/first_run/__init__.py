"""What an empty workspace shows."""
