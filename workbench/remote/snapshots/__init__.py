"""The code of runs: snapshots taken in, kept once by content, and laid out."""
