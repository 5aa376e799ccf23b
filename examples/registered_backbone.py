"""Forecasts by the backbone that serves, loaded from MLflow's registry: `.venv-mlflow/bin/python examples/...`.

``MLFLOW_TRACKING_URI`` names the MLflow, such as http://127.0.0.1:5001. The argument is a Parquet file of hourly bars
with the columns ticker, opened_at (UTC), open, high, low, close and volume.
"""

import sys

import mlflow
import pandas as pd

model = mlflow.pyfunc.load_model("models:/hourcast-backbone@champion")
bars = pd.read_parquet(sys.argv[1])
sys.stdout.write(model.predict(bars).to_string(index=False) + "\n")
