"""Following, while a run goes on, the files that its own code logs to."""
