"""Faults at random instants: is every hour still whole, and the same as without them?

``__main__.py`` is the command, ``trials.py`` one trial, ``faults.py`` the faults, ``checker.py`` the judge, which
shares no code with the product.
"""
