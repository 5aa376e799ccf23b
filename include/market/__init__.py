"""Bars from the outside world: sources, session calendars, and what makes a bar acceptable."""
