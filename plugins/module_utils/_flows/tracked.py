# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flows that the kernel tracks, as the program ``conntrack`` lists them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

FAMILIES = ("ipv4", "ipv6")
# A flow in one of these states is over.
_OVER = {"TIME_WAIT", "CLOSE"}


class End(t.NamedTuple):
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Flow(t.NamedTuple):
    """One flow of TCP or UDP, and who opened it.

    ``source`` and ``destination`` are those of its first packet. ``reached`` is who answers, which is another one than
    the destination where that is translated; ``answered`` is whom they answer, the same for the source.
    """

    family: str
    protocol: str
    source: End
    destination: End
    reached: End
    answered: End

    def __str__(self) -> str:
        return f"{self.protocol} {self.source} to {self.destination}"

    def arguments(self) -> list[str]:
        """Return what names it to ``conntrack``."""
        return [
            "-f", self.family, "-p", self.protocol, "-s", self.source.address, "-d", self.destination.address,
            "--sport", str(self.source.port), "--dport", str(self.destination.port),
        ]  # fmt: skip


def read_flows(family: str, listing: str) -> Iterator[Flow]:
    """Yield the flows of TCP and UDP in the output of ``conntrack -L``, but for those that are over.

    Those of a zone of their own are left out: somebody else keeps them apart from the rest, as Open vSwitch does.
    """
    for line in listing.splitlines():
        protocol, *words = line.split() or [""]
        pairs = [word.partition("=")[::2] for word in words if "=" in word]
        if protocol not in ("tcp", "udp") or not _OVER.isdisjoint(words) or any("zone" in key for key, _value in pairs):
            continue
        # Each of them twice: of the first packet, and of an answer to it.
        source, answerer = (value for key, value in pairs if key == "src")
        destination, answered = (value for key, value in pairs if key == "dst")
        source_port, answering_port = (int(value) for key, value in pairs if key == "sport")
        destination_port, answered_port = (int(value) for key, value in pairs if key == "dport")
        yield Flow(
            family,
            protocol,
            End(source, source_port),
            End(destination, destination_port),
            End(answerer, answering_port),
            End(answered, answered_port),
        )
