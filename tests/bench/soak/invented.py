"""Invented samples of a soak: everything as it is stated, and what a test adds."""

import numpy as np

HOURS = np.arange(110)


def invented(**added: float) -> dict[str, list[float]]:
    """The samples of 110 hours of 50 tickers; ``added``: growth an hour, by a measure's name with _ for a space."""
    day = HOURS % 24
    random = np.random.default_rng(11)

    def noise(spread: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return random.normal(0.0, spread, len(HOURS))

    measures = {
        "load": 4.0 + 0.0 * HOURS,
        "elapsed": 30.0 + noise(3.0),
        "seconds": 25.0 + 5.0 * (day < 8) + noise(2.0),
        "CPU seconds": 20.0 + 5.0 * (day < 8) + noise(0.5),
        "MB memory scheduler": 600.0 + 80.0 * np.exp(-HOURS) + noise(0.5),
        "MB memory api-server": 300.0 + noise(0.5),
        "descriptors scheduler": 60.0 + noise(0.3),
        "connections": 12.0 + noise(0.4),
        "rows hourcast": 50_000.0 + 500.0 * HOURS,
        "rows hourcast prediction": 50.0 * HOURS,
        "rows hourcast ticker": 50.0 + 0.0 * HOURS,
        "rows airflow": 900.0 + 130.0 * np.minimum(HOURS, 24 + day),
        "rows airflow xcom": 40.0 * np.minimum(HOURS, 24 + day),
        "rows airflow dag_version": 6.0 + 0.0 * HOURS,
        "MB task logs": 0.4 * np.minimum(HOURS, 24 + day),
    }
    growth = {name.replace("_", " "): each for name, each in added.items()}
    return {name: list(values + growth.get(name, 0.0) * HOURS) for name, values in measures.items()}
