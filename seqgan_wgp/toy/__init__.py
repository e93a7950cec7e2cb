"""Toy distributions: 2-d points whose Wasserstein distance is known."""
