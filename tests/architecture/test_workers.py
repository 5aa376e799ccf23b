"""The workers of `make test`: each file's tests run in one of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.architecture.project import PROJECT_DIR

TESTS = (
    "import time\nimport pytest\n\n@pytest.mark.parametrize('n', range(4))\ndef test_one(n):\n    time.sleep(0.05)\n"
)


def test_a_file_has_one_worker_and_the_installations_share_theirs(tmp_path: Path) -> None:
    for name in ("test_a.py", "test_b.py", "test_c.py", "test_live.py", "test_stack.py"):
        (tmp_path / name).write_text(TESTS, encoding="utf-8")
    options = ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-p", "tests.support.workers", "--rootdir", tmp_path, tmp_path],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    workers = defaultdict(set)
    for worker, name in re.findall(r"\[(gw\d)\].* PASSED (?:\S*/)?(test_\w+\.py)::", done.stdout):
        workers[name].add(worker)
    assert {name: len(found) for name, found in workers.items()} == dict.fromkeys(
        ("test_a.py", "test_b.py", "test_c.py", "test_live.py", "test_stack.py"), 1
    )
    assert workers["test_live.py"] == workers["test_stack.py"]
    assert len(set.union(*workers.values())) == 2
