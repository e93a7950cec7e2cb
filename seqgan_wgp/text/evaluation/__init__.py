"""Evaluation of generated text: quality and memorisation."""
