"""What a run leaves on disk: its folder, checkpoints, model files and records; and the loop that writes them."""
