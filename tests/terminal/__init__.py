"""Driving a real program in a real terminal, and turning what it shows into a picture."""
