"""Filings: what companies said, as documents that can be read, searched and cited.

No hour imports this package.
"""
