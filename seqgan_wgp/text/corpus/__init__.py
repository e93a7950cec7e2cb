"""Prepare a corpus: from text to rows of token ids on disk."""
