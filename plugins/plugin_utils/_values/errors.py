# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an input, said so that its author can mend it."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Callable, Iterable

T = t.TypeVar("T")
P = t.ParamSpec("P")


class PortMatrixError(ValueError):
    """Input that cannot become rules.

    The message names the variable (with host or row), the value and what is accepted there.
    """

    @classmethod
    def at(cls, where: str, problem: str, accepted: str = "") -> PortMatrixError:
        """Build the one form that messages have: ``where: problem; accepted: what``."""
        return cls(f"{where}: {problem}" + (f"; accepted: {accepted}" if accepted else ""))


class ProblemList:
    """Collects problems, so that one run reports all of them and not only the first."""

    def __init__(self) -> None:
        self._messages: dict[str, None] = {}  # in order; each is looked up, and a large site can have thousands

    def __bool__(self) -> bool:
        """Tell whether there is any problem."""
        return bool(self._messages)

    def attempt(self, build: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what *build* returns; where it raises ``PortMatrixError``, keep the message and return None."""
        try:
            return build(*args, **kwargs)
        except PortMatrixError as e:
            self.add(str(e))
            return None

    def add(self, message: str) -> None:
        """Keep *message* unless it is already there (a host in three endpoints is wrong only once)."""
        self._messages.update(dict.fromkeys(message.splitlines()))

    def raise_if_any(self) -> None:
        """Raise one ``PortMatrixError``, a line for each problem, where there is any."""
        if self._messages:
            raise PortMatrixError("\n".join(self._messages))


def names(values: Iterable[str]) -> str:
    """List *values* for a message, sorted."""
    return ", ".join(sorted(values))


def nearest(name: object, known: Iterable[str]) -> str:
    """Return which of *known* the *name* is most like, so that a typing error is mended at once; empty without any."""
    return next(iter(difflib.get_close_matches(str(name), sorted(known), n=1)), "")


def unknown(name: object, known: Iterable[str], most: int = 30) -> tuple[str, str]:
    """Say that *name* is not among *known*, and what is accepted: the nearest first, then the others, but not endless.

    Returns the problem and what is accepted, for :meth:`PortMatrixError.at`.
    """
    choices = sorted(known)
    best = nearest(name, choices)
    listed = ", ".join(choices[:most]) + (f" and {len(choices) - most:,} more" if len(choices) > most else "")
    meant = f", the nearest is {best}" if best else ""
    return f"{shown(name)} is not known{meant}", listed


def shown(value: object) -> str:
    """Show *value* on one short line of a message, whatever it holds."""
    text = ascii(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
