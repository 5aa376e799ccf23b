"""Experiments and backbones in MLflow: a mirror of Postgres and of files, in an environment of its own.

Nothing of the product imports this package, so an hour never depends on MLflow.
"""
