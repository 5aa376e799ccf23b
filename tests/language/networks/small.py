"""The real SmolLM2-135M-Instruct, tuned for a few steps, for a Python that has transformers: prints JSON.

``small FOLDER WEIGHTS``: works in FOLDER; WEIGHTS is the folder with the GGUF file.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from include.settings import load_settings
from language import steps
from language.data_sets import save_data_set
from language.examples import Kind
from language.prompts import messages_of
from language.runs import Home, open_run
from language.splitting import split
from tests.language.networks.served import serving
from tests.language.networks.trial import AS_OF, examples

SETTINGS = """
name: small
base_model: smollm2
base_file: {file}
data: {{version: v1}}
lora: {{rank: 8, alpha: 16}}
training: {{steps: 12, batch: 2, accumulate: 1, learning_rate: 1e-3, cut_off: 400, checkpoint_every: 6, seed: 3}}
evaluation: {{questions: 8, new_tokens: 24, batch: 4}}
"""


def main(folder: Path, weights: Path) -> dict[str, Any]:
    home = Home(folder)
    home.base.mkdir(parents=True)
    home.settings.mkdir()
    (home.base / "smollm2").symlink_to(weights)
    (file,) = weights.glob("*.gguf")
    (home.settings / "small.yaml").write_text(SETTINGS.format(file=file.name))
    found = examples()
    save_data_set(home.data, split(found, 0.45), [], {}, AS_OF)
    settings = load_settings({"HOURCAST_LOCAL_DIR": str(folder)})
    run = open_run(home, steps.prepare(settings, home, "small.yaml", AS_OF)["run"])
    trained = steps.train(home, run.name, 1e9)
    merged = steps.merge(home, run.name)
    steps.evaluate(home, run.name, 1e9)
    promoted = steps.promote(home, run.name, 1e9)
    with serving(home, "--base", "small.yaml") as model:
        said = model.complete(messages_of(next(each for each in found if each.kind is Kind.BROUGHT)))
    return {
        "trained": trained,
        "losses": [loss for _, loss in json.loads(run.training.read_text())["losses"]],
        "merged": merged,
        "evaluation": json.loads(run.evaluation.read_text()),
        "promoted": promoted,
        "said": said,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.stdout.write("@@" + json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))) + "@@\n")
