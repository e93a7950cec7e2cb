"""Engines, which compute the gradients of a critic step at different speeds: plain, eager, compiled, CUDA graph."""
