"""Airflow's plugin folder; Airflow itself loads ``forecasts/plugin.py`` alone (see ``.airflowignore``)."""
