"""Postgres: the only package that runs SQL."""
