"""Small tools without knowledge of training: counter-based noise, atomic files, devices, caches."""
