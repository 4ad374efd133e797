"""Databases as datastores: queries in a process of their own, their results as files of JSON lines."""
