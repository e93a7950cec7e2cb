"""One-dimensional convolutions with fewer multiplications: Fourier and Toom-Cook (Winograd)."""
