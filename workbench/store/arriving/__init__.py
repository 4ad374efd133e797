"""Runs taken in: records as they come, runs out of files, and how far each of them is here."""
