"""Bars from their sources, session calendars, and the quality checks of bars."""
