"""Fuzzing of everything that comes from outside: a value that keeps its contract, or one error with a sentence.

Bars' files are fuzzed in ``tests/market/test_files.py``.
"""
