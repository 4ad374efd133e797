"""Data into and out of runs: where it is, bringing it to a machine's cache, and what a run leaves."""
