"""Searches over several releases at once, one module per kind of spectrum."""
