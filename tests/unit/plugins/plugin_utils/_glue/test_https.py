# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS as Ansible does it, where what it does is made up: answers, and every way in which there is none."""

from __future__ import annotations

import io
import typing as t
from email.message import Message
from http.client import IncompleteRead
from urllib.error import HTTPError, URLError

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue import https
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.https import Https
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

URL = "https://manager.example/x"


class Response(io.BytesIO):
    """An answer, of which Ansible has the beginning."""

    def __init__(self, body: bytes, status: int = 200, length: str | None = None) -> None:
        super().__init__(body)
        self.status = status
        self.headers = Message()
        if length is not None:
            self.headers["Content-Length"] = length


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, t.Any]]:
    """What Ansible was told; the test puts what it answers in front."""
    calls: list[dict[str, t.Any]] = []

    def open_url(url: str, **arguments: t.Any) -> Response:
        calls.append({"url": url, **arguments})
        answer = calls[0]["answer"]
        if isinstance(answer, Exception):
            raise answer
        return t.cast("Response", answer)

    monkeypatch.setattr(https, "open_url", open_url)
    return calls


def send(opened: list[dict[str, t.Any]], answer: Response | Exception, timeout: float = 600) -> https.Answer:
    opened.append({"answer": answer})
    return Https(timeout, True, "/ca.pem")("GET", URL, {"Accept": "x"}, None)


def test_an_answer(opened: list[dict[str, t.Any]]) -> None:
    answer = send(opened, Response(b"{}", length="2"))
    assert (answer.status, answer.headers, answer.body) == (200, {"content-length": "2"}, b"{}")
    assert opened[1] == {
        "url": URL, "data": None, "headers": {"Accept": "x"}, "method": "GET", "timeout": 600,
        "follow_redirects": "none",
        "use_netrc": False, "decompress": False, "validate_certs": True, "ca_path": "/ca.pem",
    }  # fmt: skip


def test_an_answer_without_a_length(opened: list[dict[str, t.Any]]) -> None:
    assert send(opened, Response(b"{}")).body == b"{}"


def test_what_comes_with_an_error_is_not_read(opened: list[dict[str, t.Any]]) -> None:
    error = HTTPError(URL, 401, "no", Message(), io.BytesIO(b"secret"))
    answer = send(opened, error)
    assert (answer.status, answer.body) == (401, b"")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (URLError("refused"), "no answer: refused"),
        (URLError(TimeoutError()), "the answer takes longer than the timeout of 600 s"),
        (TimeoutError(), "the answer takes longer than the timeout of 600 s"),
        (IncompleteRead(b"x"), "no whole answer: "),
        (ConnectionResetError("reset"), "no whole answer: reset"),
        (ValueError("no such option"), "no whole answer: no such option"),
        (Response(b"{", length="2"), "the answer is cut off after 1 of 2 bytes"),
        (Response(b" " * (32 * 2**20 + 1)), "the answer is larger than 32 MiB"),
    ],
)
def test_no_answer_is_said(opened: list[dict[str, t.Any]], given: Response | Exception, message: str) -> None:
    with pytest.raises(PortMatrixError) as raised:
        send(opened, given)
    assert str(raised.value).startswith(f"{URL}: {message}")


def test_an_answer_in_drops_takes_no_longer(opened: list[dict[str, t.Any]]) -> None:
    with pytest.raises(PortMatrixError, match="the answer takes longer than the timeout of -1 s"):
        send(opened, Response(b"{}"), timeout=-1)
