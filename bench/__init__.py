"""Measurements of what Hourcast costs: `make bench`. Also `autoforecast.py`, which needs an environment of its own."""
