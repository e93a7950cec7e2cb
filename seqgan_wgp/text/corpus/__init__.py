"""From a text file to rows of ids on disk."""
