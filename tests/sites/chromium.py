# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A browser without a window, for tests of pages: what a script finds in a page, and what comes out of a printer.

It is Debian's Chromium, spoken to through a pipe in the DevTools protocol. It reaches no network.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import typing as t
from pathlib import Path
from types import TracebackType

# Width and height in inches.
A4, LETTER = (8.27, 11.69), (8.5, 11.0)
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
          "--no-first-run", "--remote-debugging-pipe")  # fmt: skip


class Chromium:
    """One Chromium with one page."""

    def __init__(self, directory: Path) -> None:
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()

        # Chromium reads from descriptor 3 and writes to 4. The shell's redirections put them there.
        script = f'exec chromium "$@" 3<&{commands} 4>&{answers}'
        flags = [*_FLAGS, f"--user-data-dir={directory / 'profile'}"]
        with (directory / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", script, "chromium", *flags], pass_fds=(commands, answers), stderr=log, stdout=log
            )
        os.close(commands)
        os.close(answers)
        self._number, self._buffer = 0, b""
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self.call("Page.enable")

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call("Browser.close", {})
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def open(self, path: Path, width: int = 1280) -> None:
        """Open a page in a window of that width, and wait until it is there."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", metrics)
        self.call("Page.navigate", {"url": path.resolve().as_uri()})
        self._until("Page.loadEventFired")

    def value_of(self, expression: str) -> t.Any:
        """What an expression of JavaScript gives in the page."""
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def printed(self, paper: tuple[float, float]) -> bytes:
        """The page on paper, as PDF, with nothing in the margins that the page does not put there."""
        width, height = paper
        options = {"paperWidth": width, "paperHeight": height, "preferCSSPageSize": False, "printBackground": True}
        return base64.b64decode(self.call("Page.printToPDF", options)["data"])

    def screenshot(self) -> bytes:
        """The whole page as a picture (PNG)."""
        return base64.b64decode(self.call("Page.captureScreenshot", {"captureBeyondViewport": True})["data"])

    def call(self, method: str, parameters: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Call a method of the protocol for the page."""
        return self._call(method, parameters or {}, sessionId=self._session)

    def _call(self, method: str, parameters: dict[str, t.Any], **envelope: str) -> dict[str, t.Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **envelope}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, t.Any] = answer["result"]
                return result

    def _until(self, event: str) -> None:
        while self._message().get("method") != event:
            pass

    def _message(self) -> dict[str, t.Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 20)
            assert data, "Chromium ended"
            self._buffer += data
        text, _zero, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, t.Any] = json.loads(text)
        return message
