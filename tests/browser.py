"""A browser without a window, driven over its own protocol: the tests of pages open files in it.

Chromium is told what to do through a pipe (`--remote-debugging-pipe`: JSON with a zero byte behind, in on descriptor 3
and out on 4), so no port is opened and nothing but Python is needed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

# The browser wants descriptors 3 and 4; the pipes that it inherits have whatever numbers were free.
_LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for place, end in zip((3, 4), ends):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""


def program() -> str | None:
    """Return the path of the browser, or None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """An open page.

    Attributes:
        errors: what has gone wrong in it: exceptions, console errors, what the policy forbade.
        requests: every address that was asked for.
    """

    def __init__(self, to: int, from_: int) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self._to, self._from = to, os.fdopen(from_, "rb")
        self._number = 0
        self._session: str | None = None

    def attach(self) -> None:
        """Open the page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._from.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result. Raises RuntimeError when it fails."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, what: Path | str, *, width: int = 1400, height: int = 900, dark: bool = False) -> None:
        """Open a file or an address in a window of a size, wait until it is loaded, and forget the one before."""
        self.errors.clear()
        self.requests.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=what if isinstance(what, str) else what.absolute().as_uri())
        while (event := self._note(self._read())) != "Page.loadEventFired":
            if event == "Runtime.executionContextsCleared":
                self.errors.clear()  # of requests that the page before had not finished

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives, as JSON. Raises RuntimeError when it throws."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key, such as "ArrowLeft", where the focus is."""
        names = {"ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40, "Home": 36, "End": 35, "Enter": 13}
        names |= {"Tab": 9, " ": 32}
        typed = {"text": {"Enter": "\r"}.get(key, key)} if key in ("Enter", " ") else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=names[key], **typed)

    def type(self, text: str) -> None:
        """Replace what stands where the focus is by a text, as a keyboard does: mark all, and type."""
        for kind in ("keyDown", "keyUp"):
            marks = {"modifiers": 2, "commands": ["selectAll"]}
            self.call("Input.dispatchKeyEvent", type=kind, key="a", code="KeyA", windowsVirtualKeyCode=65, **marks)
        self.call("Input.insertText", text=text)

    def tab_to(self, place: str, most: int = 60) -> None:
        """Press Tab until the focus is on what a selector names. Raises AssertionError after `most` presses."""
        for _ in range(most):
            self.press("Tab")
            if self.value(f"document.activeElement.matches({json.dumps(place)})"):
                return
        raise AssertionError(f"the keyboard does not reach {place}")

    def upload(self, place: str, file: Path) -> None:
        """Choose a file in the input that a selector names."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=place)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def screenshot(self, file: Path) -> None:
        """Write a picture of the whole page."""
        height = self.value("document.documentElement.scrollHeight")
        width = self.value("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        file.write_bytes(base64.b64decode(data))

    def _read(self) -> dict[str, Any]:
        data = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has gone")
            data += byte
        message: dict[str, Any] = json.loads(data)
        return message

    def _note(self, event: dict[str, Any]) -> str:
        """Keep what an event says of errors and requests; return its name."""
        method, parameters = str(event.get("method")), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.errors.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert"):
            self.errors.append(str(parameters["args"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        return method


@contextlib.contextmanager
def page(path: str, profile: Path) -> Iterator[Page]:
    """Give a page in a browser of its own, which ends with the block.

    Args:
        path: of the browser, as `program` found it.
        profile: an empty folder that it may fill.
    """
    (in_, to), (from_, out) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, str(in_), str(out), path, *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(in_, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(in_)
    os.close(out)
    try:
        found = Page(to, from_)
        with found:
            found.attach()
            yield found
    finally:
        os.close(to)
        process.terminate()
        process.wait(timeout=30)
