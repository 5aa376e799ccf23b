"""The lint rules are on and bite: the project passes, and a planted offence does not."""

import sys

import pytest

from tests.architecture.project import run

# Rule, the file that the offence is planted in, the offence.
PLANTED = [
    ("TID253", "dags/hourly_forecast.py", "import torch"),
    ("TID253", "dags/hourly_forecast.py", "import pandas as pd"),
    ("TID253", "dags/onboard_ticker.py", "from numpy import array"),
    ("TID253", "dags/onboard_ticker.py", "from include.pipeline import tasks"),
    ("TID253", "include/edge.py", "import sqlalchemy"),
    ("TID253", "include/edge.py", "import yfinance"),
    ("TID253", "include/contracts.py", "import pandas"),
    ("TID251", "include/features/frame.py", "from datetime import UTC, datetime\n\nmoment = datetime.now(UTC)"),
    ("TID251", "include/pipeline/hour.py", "import datetime\n\nmoment = datetime.datetime.utcnow()"),
    ("TID251", "include/evaluation/metrics.py", "import pandas as pd\n\nmoment = pd.Timestamp.now('UTC')"),
    ("TID251", "include/store/bars.py", "import time\n\nmoment = time.time()"),
    ("TID251", "dags/hourly_forecast.py", "from datetime import UTC, datetime\n\nmoment = datetime.now(UTC)"),
    ("TID251", "include/store/engine.py", "import os\n\nurl = os.environ['HOURCAST_DATABASE_URL']"),
    ("TID251", "include/model/train.py", "from os import getenv\n\nseed = getenv('HOURCAST_SEED')"),
    ("DTZ001", "include/market/sessions.py", "from datetime import datetime\n\nmoment = datetime(2025, 3, 31)"),
    ("PLC0415", "include/pipeline/hour.py", "def late():\n    import json\n\n    return json"),
    ("TID252", "include/model/train.py", "from .loss import pinball_loss"),
    ("D103", "include/model/loss.py", "def loss(x: float) -> float:\n    return x"),
    ("D101", "include/model/loss.py", "class Loss:\n    value = 1"),
    ("D100", "include/model/loss.py", "import math"),
    ("ANN001", "include/model/loss.py", "def loss(x) -> float:\n    return x"),
    ("ANN201", "include/model/loss.py", "def loss(x: float):\n    return x"),
    ("E722", "include/market/source.py", "try:\n    x = 1\nexcept:\n    pass"),
    ("BLE001", "include/market/source.py", "try:\n    x = 1\nexcept Exception:\n    pass"),
    ("T201", "include/pipeline/hour.py", "print('x')"),
    ("ERA001", "include/pipeline/hour.py", "# x = compute(1)"),
    (
        "C901",
        "include/pipeline/hour.py",
        "def f(x):\n" + "".join(f"    if x == {n}:\n        x = 0\n" for n in range(11)),
    ),
    ("PGH003", "include/model/loss.py", "import foo  # type: ignore"),
    ("NPY002", "include/model/train.py", "import numpy as np\n\nx = np.random.rand(3)"),
]

PERMITTED = [
    ("include/model/train.py", "import torch"),
    ("include/features/frame.py", "import numpy as np\nimport pandas as pd"),
    ("dags/hourly_forecast.py", "def body():\n    from include.pipeline import tasks\n\n    return tasks"),
    ("include/cli.py", "from datetime import UTC, datetime\n\nmoment = datetime.now(UTC)"),
    ("include/settings.py", "import os\n\nurl = os.environ"),
]


def rules_broken(place: str, code: str) -> set[str]:
    """The rules that ruff says a file of this name with this text breaks."""
    checked = run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--no-cache",
            "--output-format",
            "concise",
            "--stdin-filename",
            place,
            "-",
        ],
        given=f"{code}\n",
    )
    assert checked.returncode in {0, 1}, checked.stderr
    return {line.split()[1] for line in checked.stdout.splitlines() if line.startswith(place)}


def test_the_whole_project_passes_the_lint():
    checked = run([sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", "."])
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_whole_project_is_formatted():
    checked = run([sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "."])
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("rule", "place", "code"), PLANTED)
def test_an_offence_is_found_where_it_is_planted(rule, place, code):
    assert rule in rules_broken(place, code)


@pytest.mark.parametrize(("place", "code"), PERMITTED)
def test_what_a_room_may_do_is_not_called_an_offence(place, code):
    assert rules_broken(place, code) & {"TID251", "TID253", "PLC0415"} == set()
