"""Why Wasserstein, why the gradient penalty: published claims tried on distributions whose answer is known."""
