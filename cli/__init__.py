"""The `seqgan-wgp` command: parse arguments, call the library, print results. One file per command."""
