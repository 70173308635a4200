# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that a system has instead of addresses: looked up in what the user wrote, or in DNS where the user says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .._values.addresses import is_literal_address
from .._values.errors import PortMatrixError, names, shown
from .._values.mapping import as_mapping
from .found import plain_addresses, single_address

LookUp = Callable[[str], Iterable[str]]


class NameBook:
    """Name → addresses. It remembers what was asked for, so that it can say what is missing and what is misspelt."""

    def __init__(self, given: object, look_up: LookUp | None = None) -> None:
        """Read the option ``addresses``; *look_up* asks DNS, and raises ``OSError`` where there is no answer.

        :raises PortMatrixError: if the option is anything but names with addresses.
        """
        self._given = {
            str(name).lower(): plain_addresses(
                value if isinstance(value, (list, tuple)) else [value], f"addresses {shown(name)}"
            )
            for name, value in as_mapping(given or {}, "addresses").items()
        }
        self._look_up = look_up
        self._asked: dict[str, tuple[str, ...]] = {}
        self.looked_up: dict[str, tuple[str, ...]] = {}
        """What DNS said: name → addresses."""

    def addresses_of(self, name: str) -> tuple[str, ...]:
        """Return the addresses of *name*, which may be an address itself; none where nobody knows any.

        :raises PortMatrixError: if DNS has an address that no machine can have for others, such as 127.0.1.1.
        """
        if is_literal_address(name):
            return (single_address(name, f"address {shown(name)}"),)
        key = name.lower().rstrip(".")
        if key not in self._asked:
            self._asked[key] = self._given.get(key) or self._from_dns(key)
        return self._asked[key]

    def looked_up_in(self, name: str) -> str:
        """Tell where the addresses of *name* are from: ``addresses``, the option, or ``DNS``; empty for an address."""
        key = name.lower().rstrip(".")
        if not self._asked.get(key):
            return ""
        return "addresses" if self._given.get(key) else "DNS"

    def _from_dns(self, name: str) -> tuple[str, ...]:
        if self._look_up is None:
            return ()
        try:
            answer = self._look_up(name)
        except (OSError, UnicodeError):  # the latter for a name that cannot be one in DNS
            return ()
        self.looked_up[name] = plain_addresses(answer, f"what DNS has for {shown(name)}")
        return self.looked_up[name]

    def missing(self) -> list[str]:
        """Return the names that were asked for and have no address."""
        return sorted(name for name, found in self._asked.items() if not found)

    def check_all_used(self) -> None:
        """Check that each name in ``addresses`` was asked for; another one is misspelt, or has an address already.

        :raises PortMatrixError: with those that were not.
        """
        unused = sorted(self._given.keys() - self._asked.keys())
        if unused:
            raise PortMatrixError.at(
                "addresses",
                f"nothing is looked up by the name {names(repr(name) for name in unused)}",
                names(self._asked) or "no name, as everything has an address",
            )
