"""A backbone as a model of MLflow: bars in, quantiles of the next seven closes out. MLflow runs this file to load it.

The forecasts are those of an hour without a fine-tuned model: the backbone's, with widths that are calibrated on the
given bars. Companies' reports and prices of the night are not part of it. Where next: ``latest.py``,
``examples/registered_backbone.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel


class BackboneModel(PythonModel):  # type: ignore[misc]  # MLflow is not installed where types are checked
    """Forecasts of each ticker's newest bar.

    Input: a frame of hourly bars with the columns ticker, opened_at (UTC), open, high, low, close and volume; the more
    bars, up to some 1,000 a ticker, the better the widths. Output: a row for each ticker and horizon 1 to 7, with
    ``anchored_at``, ``target_at`` (UTC) and the prices ``q025`` to ``q975``.
    """

    def load_context(self, context: Any) -> None:  # noqa: ANN401  # MLflow's context
        """Reads the weights, which are checked against the hash of their version.

        Raises:
            CheckpointError: they are damaged, or of another network shape than this code's.
        """
        # inside: the mirror runs this file too, and needs no network
        from include.artefacts.store import FolderStore
        from include.features.windows import MODEL_INPUT_COUNT
        from include.model.backbone import load_backbone
        from include.model.config import model_config
        from include.settings import ModelSettings

        store = FolderStore(Path(context.artifacts["backbone"]))
        self._state = load_backbone(model_config(ModelSettings(), MODEL_INPUT_COUNT), store).state

    def predict(self, context: Any, model_input: pd.DataFrame) -> pd.DataFrame:  # noqa: ANN401, ARG002  # MLflow's form
        """The forecasts of the newest bar of each ticker.

        Raises:
            InvalidRequestError: the frame lacks a column or a ticker's hours are not known.
        """
        from tracking.latest import forecast_latest

        return forecast_latest(self._state, model_input)


mlflow.models.set_model(BackboneModel())
