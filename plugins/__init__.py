"""Airflow's plugin folder. Airflow loads what ``.airflowignore`` leaves: notes, page and metrics."""
