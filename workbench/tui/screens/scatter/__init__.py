"""Runs as dots: what each was given against what came of it."""
