"""Each module prints one table, and writes JSON with `--json FILE`."""
