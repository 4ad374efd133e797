"""What takes long, what went wrong, and what happened while one was away."""
