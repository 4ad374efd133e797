"""Machines and pools, what is measured and wrong on them, and what of ours is there."""
