"""Datasets: their names, their versions, what is in them, where they came from and went."""
