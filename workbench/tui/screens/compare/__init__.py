"""Runs side by side: a chart over what differs, and the difference of their code."""
