"""The product: everything Hourcast does, with or without Airflow."""
