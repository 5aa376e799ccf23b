"""Bars, features and histories: what an hour fetches, stores and reads back, point in time."""
