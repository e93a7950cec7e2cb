"""The mathematics and the loop of adversarial training, for any kind of data: batches in, gradients and numbers out."""
