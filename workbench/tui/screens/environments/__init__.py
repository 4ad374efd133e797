"""Environments: their versions, what they are made of, on which machines they are built."""
