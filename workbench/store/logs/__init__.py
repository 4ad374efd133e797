"""The output of runs on this side: spools, packed logs, their times and lines."""
