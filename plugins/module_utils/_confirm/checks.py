# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wants to reach before and after a change of the firewall: TCP, from the host or the controller."""

from __future__ import annotations

import socket
import time
import typing as t
from collections.abc import Iterable, Mapping

SECONDS_FOR_ONE = 3
SECONDS_FOR_ALL = 10

# Options of a module whose change has to be confirmed. Their documentation is in the fragment `confirm`.
CONFIRM_SPEC: dict[str, t.Any] = {
    "confirm_timeout": {"type": "int", "default": 0},
    "confirm_checks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "from": {"type": "str", "choices": ["target", "controller"], "default": "target"},
        },
    },
}


def silent(checks: Iterable[Mapping[str, t.Any]], place: str, patient: bool) -> list[str]:
    """Return a text for each of *checks* from *place* that does not answer.

    A *patient* caller has just changed the firewall: what does not answer gets more attempts until ten seconds are
    over, so that one lost packet does not decide.
    """
    waiting = [check for check in checks if check["from"] == place]
    deadline = time.monotonic() + SECONDS_FOR_ALL
    while True:
        reasons = [(check, _reason(check["host"], check["port"])) for check in waiting]
        waiting = [check for check, reason in reasons if reason]
        if not (waiting and patient and time.monotonic() < deadline):
            return [f"{check['host']}:{check['port']} to the {place} ({reason})" for check, reason in reasons if reason]
        time.sleep(0.5)


def _reason(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), timeout=SECONDS_FOR_ONE):
            return ""
    except (OSError, OverflowError, ValueError) as e:  # the last one for what cannot be a name
        return str(e) or type(e).__name__
