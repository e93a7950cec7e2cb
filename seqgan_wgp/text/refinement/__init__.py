"""Refinement of generated strings by a classifier: training it, its density ratio, and which strings are accepted."""
