"""Baselines and scores as pure functions: what every forecast is judged against."""
