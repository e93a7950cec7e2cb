"""What a corpus is, before any training."""
