"""Diagnostics of training: the critic's slopes, scores, weights and gradients."""
