"""Postgres: the only room that speaks SQL."""
