"""A soak: many accelerated hours through the real Airflow, and whether anything grows that should not."""
