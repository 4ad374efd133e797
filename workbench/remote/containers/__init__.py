"""Runs in containers: through a docker-compatible command of the machine, found or named, never installed."""
