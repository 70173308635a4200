# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer of a run: what a host has now, and what became of the change, in one line."""

from __future__ import annotations

import hashlib
import re
import typing as t
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .._values.words import count

_CHAIN = re.compile(r"\tchain (\S+) \{")
# What answers have chains of their own for is permitted by a rule that is counted already.
_OF_ANSWERS = "_answers"
_PERMITS = re.compile(r' accept comment "([a-z0-9_]+)"$')


@dataclass(frozen=True)
class Answer:
    """What a run did on one host.

    ``rows`` is None where the host's rules do not tell their rows, as with firewalld. ``confirmed_in`` are seconds, or
    None where there was nothing to confirm. ``flows`` are those that would have been dropped, or None where nobody
    counts them.
    """

    host: str
    rules: int
    rows: int | None
    revision: str
    changed: bool
    check: bool = False
    confirmed_in: float | None = None
    observing: bool = False
    flows: int | None = None

    def text(self) -> str:
        """Say it in one line."""
        parts = [
            count(self.rules, "rule") + ("" if self.rows is None else f" of {count(self.rows, 'row')}"),
            f"revision {self.revision}",
            ("would change" if self.check else "changed") if self.changed else "unchanged",
        ]
        if self.confirmed_in is not None:
            parts.append(f"confirmed over a new connection in {self.confirmed_in:.1f} s")
        if self.observing:
            parts.append("observing: " + self._seen())
        return f"{self.host}: {', '.join(parts)}"

    def _seen(self) -> str:
        if self.flows is None:
            return "drops nothing"
        return f"{count(self.flows, 'flow')} would have been dropped (see playbook observed)"

    def as_mapping(self) -> dict[str, t.Any]:
        """Write it as plain data."""
        return {
            "rules": self.rules,
            "rows": self.rows,
            "revision": self.revision,
            "changed": self.changed,
            "confirmed_in": self.confirmed_in,
            "flows": self.flows,
            "text": self.text(),
        }


def revision_of_text(text: str) -> str:
    """Return a short digest of what a host is given: with the same one, it has the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def rules_in_ruleset(ruleset: str, row_ids: Collection[str]) -> tuple[int, int]:
    """Return how many rules of these rows a *ruleset* of nftables has, and of how many rows they are."""
    known, chain = frozenset(row_ids), ""
    rows: list[str] = []
    for line in ruleset.splitlines():
        begins = _CHAIN.match(line)
        chain = begins[1] if begins else chain
        permits = None if chain.endswith(_OF_ANSWERS) else _PERMITS.search(line)
        if permits and permits[1] in known:
            rows.append(permits[1])
    return len(rows), len(set(rows))


def rules_in_objects(objects: Mapping[str, t.Any]) -> int:
    """Return how many rich rules the *objects* of firewalld have."""
    return sum(len(policy["rich_rules"]) for policy in objects["policies"].values())
