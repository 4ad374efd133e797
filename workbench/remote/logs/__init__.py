"""A run as it is followed: its status, its output, its records and its log files, as they grow."""
