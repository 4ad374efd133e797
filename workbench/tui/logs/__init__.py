"""The log view: output of any size, read where it is looked at."""
