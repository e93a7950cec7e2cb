"""Decoding by the generator's probabilities together with those of an n-gram model (shallow fusion)."""
