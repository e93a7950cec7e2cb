"""Distributed training: several processes, started by torchrun, train one run."""
