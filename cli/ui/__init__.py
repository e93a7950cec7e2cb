"""Terminal output of the commands: console, tables and progress."""
