"""Named settings, each number with its source: the only home of numbers that shape results."""
