"""Processes: starting them, telling them apart, watching and ending them."""
