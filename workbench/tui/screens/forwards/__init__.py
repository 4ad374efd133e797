"""The page of forwarded ports."""
