"""Airflow's plugin folder. Airflow loads ``run_notes.py`` and ``forecasts/plugin.py`` (see ``.airflowignore``)."""
