"""Training one run on many processes, as torchrun starts them."""
