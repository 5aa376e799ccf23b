"""The endpoint ``/hourcast/metrics`` for Prometheus: it reads, and it needs a token."""
