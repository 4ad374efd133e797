"""One run: what became of it, its log, metrics, files and code."""
