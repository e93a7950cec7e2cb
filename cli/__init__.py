"""The `seqgan-wgp` command: parse, call the library, draw. A file for each command."""
