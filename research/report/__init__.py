"""The report of `make evaluate`: comparisons, significance tests, diagnostics and charts."""
