"""The product on one machine: embedded Postgres, Airflow's components, and `make run`."""
