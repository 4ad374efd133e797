"""Environments on a machine: built once in place, ready or not there at all, shared by runs."""
