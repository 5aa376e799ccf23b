"""FastAPI's client for tests, imported without the warning that a successor of its HTTP library exists."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient as TestClient
