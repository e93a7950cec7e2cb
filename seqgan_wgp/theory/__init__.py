"""Experiments that test published claims about WGAN and WGAN-GP on distributions with known answers."""
