"""Colours and symbols of the dashboard."""
