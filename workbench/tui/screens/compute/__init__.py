"""The machines: how they stand, attaching, signing in."""
