"""Comparison of recipes on the same data."""
