"""The daily look at drift, and what follows from it: what the DAG watch_models runs; no hour imports it."""
