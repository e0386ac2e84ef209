"""Measures Copse, its limits and its peers side by side: `make bench`."""
