"""Data of runs on a machine: what is used in place, what is fetched once and shared, what runs made."""
