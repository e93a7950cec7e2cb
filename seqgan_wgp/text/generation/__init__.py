"""Strings from a generator: streamed, filtered, scored, formatted, resumed."""
