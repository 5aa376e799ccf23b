"""`make loop`: drift, another backbone, its promotion and its rollback, in a simulated market and a real Airflow."""
