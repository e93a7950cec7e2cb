"""Images as a kind of data: MNIST, other files in IDX format, pictures, or NumPy arrays."""
