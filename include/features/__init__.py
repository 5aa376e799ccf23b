"""Features as pure functions of bars: no clock, no environment, no database, no network."""
