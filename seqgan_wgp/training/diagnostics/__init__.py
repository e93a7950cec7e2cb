"""What training is watched by: slopes, scores, weights and gradients of the critic."""
