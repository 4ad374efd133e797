"""Runs: their configuration, and bringing them to machines, following, collecting, comparing."""
