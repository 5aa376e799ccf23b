"""Baselines, scores and walk-forward evaluation as pure functions."""
