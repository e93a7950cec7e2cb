"""Distributed training: one run on many processes started by torchrun."""
