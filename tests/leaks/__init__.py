"""The leak detector: the future is changed, and nothing that was known before may change with it.

``material.py`` has the bars and what a future may do to them, ``checks.py`` and ``hours.py`` the checks (without and
with Postgres), ``plants.py`` and ``plants_store.py`` the leaks that are planted to see whether the checks find them.
`make leakcheck` runs it all.
"""
