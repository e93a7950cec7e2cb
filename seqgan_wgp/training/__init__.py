"""Adversarial training for any kind of data: losses, penalties, steps, engines and the training loop."""
