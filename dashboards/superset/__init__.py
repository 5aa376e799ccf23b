"""The Superset import bundle (`bundle/`), its zip file (`pack.py`), and a trial in a real Superset (`check.py`)."""
