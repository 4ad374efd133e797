"""A run on its machine: its folder, its status, its records and its output, and what it finds around it."""
