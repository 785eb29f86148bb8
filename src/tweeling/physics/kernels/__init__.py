"""Compiled loops beneath the physics; each equals a NumPy reference."""
