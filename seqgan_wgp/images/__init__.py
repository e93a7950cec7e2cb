"""Images as a domain: files in the form of MNIST."""
