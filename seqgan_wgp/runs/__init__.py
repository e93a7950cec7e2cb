"""Runs on disk: folder, checkpoints, model files and records, and the session that writes them."""
