"""Refinement of generated strings by a classifier: its training, its density ratio, and acceptance of strings."""
