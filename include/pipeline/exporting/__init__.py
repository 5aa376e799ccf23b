"""Views of schema bi as Parquet files: what the DAG export_data and the command `export` run; no hour imports it."""
