"""Tables in files: read row by row with the standard library, the same on machines and on this side."""
