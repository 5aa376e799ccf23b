"""A headless Chromium for tests, driven over the HTTP interface of ChromeDriver (W3C WebDriver)."""

import base64
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
_PATIENCE_SECONDS = 60.0

needs_browser = pytest.mark.skipif(bool(_MISSING), reason=f"{' and '.join(_MISSING)} not installed")
"""Skips a test on a machine without Chromium; on Debian: apt install chromium chromium-driver."""


class Browser:
    """One window of one browser. Elements are found by CSS selectors, in the frame that was entered last."""

    def __init__(self, session_url: str) -> None:
        self._url = session_url

    def open(self, address: str) -> None:
        self._send("POST", "/url", {"url": address})

    @property
    def address(self) -> str:
        return str(self._send("GET", "/url"))

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; a promise is waited for."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str, text: str = "") -> list[dict[str, str]]:
        """The elements of a selector whose text contains ``text``."""
        found = self._send("POST", "/elements", {"using": "css selector", "value": selector})
        return [element for element in found if text in self.text_of(element)] if text else list(found)

    def text_of(self, element: dict[str, str]) -> str:
        return str(self._send("GET", f"/element/{element[_ELEMENT]}/text"))

    def texts(self, selector: str) -> list[str]:
        """The shown texts of all elements of a selector."""
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText)"
        return list(self.run(script, selector))

    def wait(self, selector: str, text: str = "", seconds: float = _PATIENCE_SECONDS) -> dict[str, str]:
        """The first element of a selector, with ``text`` in it, once it is there."""
        found: list[dict[str, str]] = []

        def is_there() -> bool:
            found[:] = self.find(selector, text)
            return bool(found)

        self.until(is_there, f"{selector} with {text!r}", seconds)
        return found[0]

    def until(self, condition: Callable[[], bool], name: str, seconds: float = _PATIENCE_SECONDS) -> None:
        """Waits for a condition; an element that was replaced meanwhile is looked for again."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except WebDriverError as error:
                if error.code != "stale element reference":
                    raise
            assert time.monotonic() < deadline, f"{name} did not come; the page says: {self.texts('body')}"
            time.sleep(0.1)

    def click(self, selector: str, text: str = "", seconds: float = _PATIENCE_SECONDS) -> None:
        def click() -> bool:
            for element in self.find(selector, text)[:1]:
                self._send("POST", f"/element/{element[_ELEMENT]}/click", {})
                return True
            return False

        self.until(click, f"{selector} with {text!r}", seconds)

    def type(self, selector: str, text: str) -> None:
        element = self.wait(selector)
        self._send("POST", f"/element/{element[_ELEMENT]}/value", {"text": text})

    def enter_frame(self, selector: str) -> None:
        self._send("POST", "/frame", {"id": self.wait(selector)})

    def leave_frames(self) -> None:
        self._send("POST", "/frame", {"id": None})

    def resize(self, width: int, height: int) -> None:
        """Sets the size of what is shown, in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Lets pages see a system that prefers ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", {"features": features})

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        """The result of a command of Chrome's DevTools."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def errors(self) -> list[str]:
        """The console's errors since the last call: failed requests, exceptions, what a security policy blocked."""
        return [str(entry["message"]) for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def photograph(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._send("GET", "/screenshot")))

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = requests.request(method, self._url + path, json=body, timeout=120)
        value = response.json()["value"]
        if not response.ok:
            raise WebDriverError(value["error"], value["message"])
        return value


class WebDriverError(Exception):
    """ChromeDriver refused a command; ``code`` is the word of the standard for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser with an empty profile."""
    process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        url = _address(process)
        options = {"args": _arguments()}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "SEVERE"}}
        body = {"capabilities": {"alwaysMatch": wanted}}
        created = requests.post(f"{url}/session", json=body, timeout=120)
        assert created.ok, created.text
        session_url = f"{url}/session/{created.json()['value']['sessionId']}"
        try:
            yield Browser(session_url)
        finally:
            requests.delete(session_url, timeout=60)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for text in process.stdout:
        started = re.search(r"started successfully on port (\d+)", text)
        if started:
            return f"http://127.0.0.1:{started[1]}"
    message = "chromedriver ended before it served"
    raise AssertionError(message)


def _arguments() -> list[str]:
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own sandbox refuses to run as root
    return ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en-US", *alone]
