# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an input, said so that its author can mend it."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Callable, Iterable, Iterator

from .vaulted import Vaulted

_SHORT = 4  # letters: one other of three makes another word of it
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

    def __iter__(self) -> Iterator[str]:
        """The problems, a line each."""
        return iter(self._messages)

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
    """Return which of *known* the *name* is most like, so that a typing error is mended at once; empty without any.

    ``fe1`` is ``fe1.contoso.example`` where no other host begins with that label, and the other way round. ``avatar``
    is ``conference_avatar`` where no other name has that word.
    """
    if not isinstance(name, str) or isinstance(name, Vaulted):
        return ""
    choices = sorted(known)
    text = name.lower()
    by_label = [one for one in choices if text in (one.lower(), _label(one)) or _label(text) == one.lower()]
    by_word = by_label or [one for one in choices if text in one.split("_")]
    if len(by_word) == 1:
        return by_word[0]
    cutoff = 0.75 if len(name) <= _SHORT else 0.6
    return next(iter(difflib.get_close_matches(name, choices, n=1, cutoff=cutoff)), "")


def _label(name: str) -> str:
    """The first label of the name of a host."""
    return name.partition(".")[0].lower()


def nearest_text(name: object, known: Iterable[str]) -> str:
    """Name the nearest of *known*, to be said right behind *name*; empty without any."""
    best = nearest(name, known)
    return f", the nearest is {best if best.isprintable() else shown(best)}" if best else ""


def unknown(name: object, known: Iterable[str], most: int = 30) -> tuple[str, str]:
    """Say that *name* is not among *known*, and what is accepted: the nearest first, then the others, but not endless.

    Returns the problem and what is accepted, for :meth:`PortMatrixError.at`.
    """
    choices = sorted(known)
    listed = ", ".join(choices[:most]) + (f" and {len(choices) - most:,} more" if len(choices) > most else "")
    return f"{shown(name)} is not known{nearest_text(name, choices)}", listed


def shown(value: object) -> str:
    """Show *value* on one short line of a message, whatever it holds."""
    text = ascii(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
