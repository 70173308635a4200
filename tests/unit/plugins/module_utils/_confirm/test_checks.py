# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm import checks
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._confirm.checks import silent

pytestmark = pytest.mark.operating_system


def _check(port: int, place: str = "target", host: str = "127.0.0.1") -> dict[str, t.Any]:
    return {"host": host, "port": port, "from": place}


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_who_answers_is_not_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert silent([_check(server.getsockname()[1])], "target", patient=False) == []


def test_only_the_checks_of_the_place_are_made() -> None:
    checks = [_check(_closed_port(), "controller")]
    assert silent(checks, "target", patient=False) == []
    assert len(silent(checks, "controller", patient=False)) == 1


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", None), ("127.0.0.1", 70000), ("no.such.host.invalid", 80), (".example", 80), ("a\0b", 80)],
)
def test_who_does_not_answer_is_named_with_the_reason(host: str, port: int | None) -> None:
    asked = port or _closed_port()
    (text,) = silent([_check(asked, host=host)], "target", patient=False)
    assert text.startswith(f"{host}:{asked} to the target (")
    assert not text.endswith("()")


def test_patience_waits_for_one_who_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SECONDS_FOR_ALL", 600)  # only what hangs takes as long
    port = _closed_port()

    def late() -> None:
        time.sleep(1)
        with socket.create_server(("127.0.0.1", port)) as server:
            server.accept()[0].close()

    thread = threading.Thread(target=late)
    thread.start()
    assert silent([_check(port)], "target", patient=True) == []
    thread.join()


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "SECONDS_FOR_ALL", 1)
    assert len(silent([_check(_closed_port())], "target", patient=True)) == 1
