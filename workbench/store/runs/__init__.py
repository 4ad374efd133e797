"""Runs: their rows, what is said of them, their state, and what people call them by."""
