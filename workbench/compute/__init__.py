"""Reaching machines: hosts, the link's near end, signing in, the fleet."""
