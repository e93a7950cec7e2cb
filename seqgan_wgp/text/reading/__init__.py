"""From what a user names to lines of units."""
