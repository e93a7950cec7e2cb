"""Diagnostics of training: slopes, scores, weights and gradients of the critic."""
