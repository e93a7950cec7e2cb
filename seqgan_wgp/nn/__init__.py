"""Building blocks of networks: activations, normalizations, initialization and fast convolutions."""
