"""The best string that constraints allow, exactly, from a table of probabilities."""
