"""Measures of generated strings: n-grams, Markov chains, coverage, edit distance, memorization."""
