"""Inspection of a corpus before training."""
