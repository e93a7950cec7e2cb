"""Toy distributions: points of the plane whose Wasserstein distance is known."""
