"""The page "Forecasts" in Airflow, and its API: they read the views of schema ``bi`` and write nothing."""
