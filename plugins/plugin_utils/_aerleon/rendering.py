# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aerleon, which writes the configuration of each platform. It may be missing: then there is only its input."""

from __future__ import annotations

import logging
import sys
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

try:
    from aerleon import api
    from aerleon.lib import naming
except ImportError:  # nothing but these files needs it
    api = naming = None  # type: ignore[assignment] # what is missing has another type

from .._values.errors import PortMatrixError
from .._values.words import count, some
from .azure import network_security_group
from .platforms import Chosen
from .policy import Policy, Term

MISSING = (
    "The configuration of {platforms} is not written, as the Python library aerleon is missing on the controller. "
    f"Install it for the Python that runs Ansible: {sys.executable} -m pip install aerleon. "
    "What it is made from is there: {files}."
)
# What a term has for people with aerleon's own commands. Not every platform takes the words, and a term that has
# expired would be left out, while the row is open everywhere else.
_LEFT_OUT = ("owner", "expiration")


@dataclass(frozen=True)
class Configuration:
    """The configuration of one platform, and the numbers of the rules that it cannot have."""

    chosen: Chosen
    text: str
    missing: tuple[str, ...]

    def said(self) -> Iterator[str]:
        """Yield what its readers have to know."""
        name = self.chosen.platform.name
        if self.missing:
            cannot = "aerleon cannot write {} for it" if self.chosen.platform.target else "it cannot have {}"
            yield (
                f"{name}: {cannot.format(count(len(self.missing), 'rule'))}, which are not in the file: "
                f"{some(self.missing, 20)}. They have to be opened there in another way"
            )
        if not self.chosen.platform.is_stateful:
            yield (
                f"{name}: it has no state, so the answers need rules as well. The file has what opens a flow, and "
                "nothing for what comes back"
            )


def is_there() -> bool:
    """Tell whether aerleon is."""
    return api is not None


def render(policy: Policy, chosen: Chosen) -> Configuration:
    """Write the configuration of one platform, or have aerleon write it.

    :raises PortMatrixError: if aerleon says anything but the configuration: then something may be missing in that. Or
        where the platform cannot have as much.
    """
    platform = chosen.platform
    missing = tuple(term["name"] for rule, term in policy.terms if not platform.expresses(rule))
    if not platform.target:
        expressed = [(rule, term) for rule, term in policy.terms if platform.expresses(rule)]
        text = network_security_group(expressed, chosen.options["name"]) if expressed else ""
        return Configuration(chosen, text, missing)
    filters: list[t.Any] = [
        {"header": {"comment": "Port matrix", "targets": {platform.target: header}}, "terms": terms}
        for family, header in chosen.headers()
        if (terms := _terms(policy, chosen, family))
    ]
    if not filters:
        return Configuration(chosen, "", missing)
    with _said_by_aerleon() as said:
        definitions = naming.Naming()
        definitions.ParseDefinitionsObject(policy.definitions, "")
        try:
            texts = api.Generate([{"filename": "pexip", "filters": filters}], definitions) or {}
        except Exception as e:  # its generators have no common error
            said.append(" ".join(str(e).split()))
            texts = {}
    if said or len(texts) != 1:
        raise PortMatrixError.at(
            f"port_matrix_report_platforms {platform.name}",
            f"aerleon does not write all of it: {some(said, 3)}",
            "other platforms, or the rows in port_matrix_disabled_rows",
        )
    (text,) = texts.values()
    return Configuration(chosen, text, missing)


def _terms(policy: Policy, chosen: Chosen, family: str | None) -> list[Term]:
    return [
        {key: value for key, value in term.items() if key not in _LEFT_OUT}
        for rule, term in policy.terms
        if chosen.platform.expresses(rule) and family in (None, rule.family)
    ]


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(" ".join(record.getMessage().split()))


@contextmanager
def _said_by_aerleon() -> Iterator[list[str]]:
    """Collect the warnings of aerleon, by which it tells what it leaves out, and keep them from the screen."""
    said: list[str] = []
    logger: t.Any = logging.getLogger("absl")
    before = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [_Listener(said)], False
    logger.setLevel(logging.WARNING)
    try:
        yield said
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])
