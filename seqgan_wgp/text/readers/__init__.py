"""Readers of corpora: plain text, columns of tables, FASTA, Arrow, compressed files, several inputs."""
