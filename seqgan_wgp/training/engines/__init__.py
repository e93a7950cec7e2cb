"""How the gradients of a critic step are computed: eagerly, compiled, or as a recorded CUDA graph."""
