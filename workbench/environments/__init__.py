"""What a run's Python is made of: from what its author wrote to a definition, its hash and its lock."""
