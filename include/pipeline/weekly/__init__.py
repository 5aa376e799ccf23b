"""The weekly report for a manager: what the DAG weekly_report writes; no hour imports it."""
