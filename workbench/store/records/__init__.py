"""The lines of record files, read and checked. Pure."""
