"""Engines that compute the gradients of a critic step: eager, compiled, or as a recorded CUDA graph."""
