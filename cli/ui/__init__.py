"""What the commands draw: console, tables, progress."""
