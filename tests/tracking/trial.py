"""What the mirror does with a real MLflow, for a Python that has MLflow: prints JSON. Run by ``test_mirror.py``."""

import json
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlflow.exceptions import MlflowException

from tests.tracking.made_facts import facts, promoted, run
from tracking import mirror as mirroring
from tracking.facts import Facts
from tracking.mirror import DIGEST, client_of, differences, mirror


def counts(client: Any, found: Facts, folder: Path) -> list[int]:
    return list(asdict(mirror(client, found, folder)).values())


def broken_off(client: Any, folder: Path, found: Facts) -> str:
    """Breaks the mirror off before a run has its digest, as if MLflow had gone away; what was raised."""
    set_tag = client.set_tag

    def fail(*arguments: Any) -> None:
        raise MlflowException("the server is gone")

    client.set_tag = fail
    try:
        mirror(client, found, folder)
    except MlflowException as error:
        return str(error)
    finally:
        client.set_tag = set_tag
    return "nothing"


def main(folder: Path, count: int) -> dict[str, Any]:
    client = client_of(f"sqlite:///{folder / 'mlflow.db'}")
    artefacts = folder / "artefacts"
    said: dict[str, Any] = {"raised": broken_off(client, artefacts, facts())}
    said["differs"] = differences(client, facts())
    said["first"] = counts(client, facts(), artefacts)
    said["again"] = counts(client, facts(), artefacts)
    said["equal"] = differences(client, facts())
    said["promoted_differs"] = differences(client, promoted(facts()))
    said["promoted"] = counts(client, promoted(facts()), artefacts)
    said["promoted_equal"] = differences(client, promoted(facts()))
    experiments = [each.experiment_id for each in client.search_experiments()]
    found = client.search_runs(experiments)
    said["keys"] = sorted(each.data.tags[mirroring.KEY] for each in found)
    said["digests"] = len({each.data.tags[DIGEST] for each in found})
    said["horizons"] = len(client.get_metric_history(found[0].info.run_id, "backbone/skill"))
    said["versions"] = sorted(each.version for each in client.search_model_versions())
    many = Facts([run(f"run-{number}", days=number) for number in range(count)], [], None, None)
    mirror(client, many, artefacts)
    started = time.monotonic()
    said["listed"] = len(client.search_runs(experiments, max_results=500))
    said["seconds_to_list"] = time.monotonic() - started
    return said


if __name__ == "__main__":
    logging.disable(logging.INFO)
    sys.stdout.write("@@" + json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
