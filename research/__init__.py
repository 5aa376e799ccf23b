"""The evaluation of `make evaluate`: other forecasters, and the report that compares them. An hour does not need it."""
