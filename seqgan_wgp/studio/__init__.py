"""The studio: train, generate, explore and compare models of strings in a browser."""
