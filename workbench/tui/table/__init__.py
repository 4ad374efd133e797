"""The virtual table of every list: rows by key, of which only those in view are ever asked for and drawn."""
