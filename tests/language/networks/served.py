"""A model behind the server of `make tune ARGS=serve`, asked as the answers from filings ask it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import requests

from include.errors import HourcastError
from include.filings.chat import ChatModel
from language.examples import Example
from language.prompts import messages_of
from language.runs import Home

START_SECONDS = 600.0


@contextmanager
def serving(home: Home, *arguments: str) -> Iterator[ChatModel]:
    """The model as the settings that the command prints name it; the server ends with the block."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port = str(tried.getsockname()[1])
    environment = {**os.environ, "HOURCAST_LANGUAGE_DIR": str(home.folder)}
    command = [sys.executable, "-m", "language", "serve", *arguments, "--port", port]
    log = home.folder / "serve.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            until = time.monotonic() + START_SECONDS
            while not is_up(f"http://127.0.0.1:{port}/health"):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < until, log.read_text()[-3000:]
                time.sleep(0.5)
            said = dict(re.findall(r"export (HOURCAST_\w+)=(\S+)", log.read_text()))
            yield ChatModel(said["HOURCAST_LANGUAGE_MODEL_URL"], said["HOURCAST_LANGUAGE_MODEL_NAME"], "", 300.0)
        finally:
            process.terminate()


def is_up(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def served(home: Home, run: str, asked: Example) -> dict[str, Any]:
    """What a run's model says through its server, and what the server says of another model."""
    with serving(home, run) as model:
        answer = model.complete(messages_of(asked)).strip()
        again = model.complete(messages_of(asked)).strip()
        try:
            other = replace(model, name="another").complete(messages_of(asked))
        except HourcastError as error:
            other = str(error)
        outside = is_up(model.address.replace("127.0.0.1", "127.0.0.2").replace("/v1", "/health"))
    return {"answer": answer, "again": again, "other": other, "outside": outside, "name": model.name}
