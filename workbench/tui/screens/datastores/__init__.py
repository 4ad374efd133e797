"""Datastores: which there are, whether they answer, what is in them."""
