"""Images as a kind of data: MNIST, or other files in IDX format."""
