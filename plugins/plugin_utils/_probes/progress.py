# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches of probes, each with a line that says what is being probed and how many are left."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from .._values.words import some

_NAMED = 3

Probe = Mapping[str, t.Any]


def batches(probes: Sequence[Probe], size: int) -> Iterator[tuple[Sequence[Probe], str]]:
    """Yield *probes* in parts of at most *size*, each with its line."""
    for start in range(0, len(probes), size):
        part = probes[start : start + size]
        end = start + len(part)
        what = [*dict.fromkeys(_what(probe) for probe in part)]
        yield part, f"probing {start + 1} to {end} of {len(probes)}, {len(probes) - end} left: {some(what, _NAMED)}"


def _what(probe: Probe) -> str:
    destination = probe.get("destination_host") or probe.get("destination")
    row = f"{probe['row']} to " if probe.get("row") else ""
    # A name of the inventory may hold anything; a terminal is to show it and not to obey it.
    return ascii(f"{row}{destination} {probe.get('protocol')} {probe.get('destination_port')}")[1:-1]
