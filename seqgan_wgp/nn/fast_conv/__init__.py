"""Fast 1-d convolutions: Fourier and Toom-Cook (Winograd) algorithms, with fewer multiplications than conv1d."""
