# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which system the addresses of a host are from, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._matrix.site import Site
from .._matrix.sources import Source
from .._values.addresses import AddressSet
from .._values.words import people_cidrs


def sources_of(site: Site, host: str, addresses: AddressSet) -> tuple[Source, ...]:
    """Return the sources of *host* that have some of *addresses*, each with these only."""
    parts = [replace(s, addresses=s.addresses.intersection(addresses)) for s in site.sources.get(host, ())]
    return tuple(part for part in parts if part.addresses)


def source_lines(addresses: AddressSet, sources: Sequence[Source]) -> list[str]:
    """Say which of the *addresses* of a host are from which system; nothing where all are written in the inventory."""
    said = [(source.addresses, _source_text(source)) for source in sources]
    written = addresses.difference(AddressSet.union(part for part, _text in said))
    if said and written:
        said.append((written, "written in the inventory"))
    return [text if part == addresses else f"{', '.join(people_cidrs(part))} {text}" for part, text in said]


def _source_text(source: Source) -> str:
    where = "the option addresses" if source.looked_up_in == "addresses" else source.looked_up_in
    looked_up = f", its name looked up in {where}" if where else ""
    return f"from {source.system} ({source.record} {source.name}{looked_up}), read {source.read}"
