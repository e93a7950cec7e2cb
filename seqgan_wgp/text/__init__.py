"""Text as a domain: corpora, vocabularies, 1-d convolutional networks, n-gram measures, generation."""
