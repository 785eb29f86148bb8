"""Tweeling: a live, probabilistic digital twin for drinking-water networks."""
