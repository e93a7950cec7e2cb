"""Sets and tables of string hashes: which strings are known, new or repeated."""
