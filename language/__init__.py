"""Tunes a language model on questions about filings, in an environment of its own.

Nothing of the product imports this package, so an hour never depends on its libraries.
"""
