"""The trial of refreshed forecasts and of report nights: forecasts, prices of the night, scores and tables."""
