"""Ready dashboards for Grafana and Superset; both read schema bi as bi_reader."""
