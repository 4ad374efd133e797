"""Datastores and datasets: places that hold data, references to it, and what is in them."""
