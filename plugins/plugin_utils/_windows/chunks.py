# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows: a long list of addresses cut into chunks that stay as they are when an address comes or goes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .._values.addresses import Family, format_address, format_cidrs
from .._values.intervals import IntervalSet

# A rule may hold 1000 addresses of a family (MS-FASP), and evaluating it gets slow from some hundreds.
ADDRESSES_PER_RULE = 200

# Windows documents networks as address and mask, and says nothing of a mask of no bits. Two halves are ordinary ones.
_HALVES = {"0.0.0.0/0": ("0.0.0.0/1", "128.0.0.0/1"), "::/0": ("::/1", "8000::/1")}

# The first address of a network, and how it is written.
_Block = tuple[int, str]


@dataclass(frozen=True)
class Chunk:
    """Addresses of one rule. ``start`` is where its range of addresses begins, empty for the range of the lowest."""

    start: str
    addresses: Sequence[str]


def chunks_of(addresses: IntervalSet, family: Family) -> Iterator[Chunk]:
    """Cut *addresses* into chunks of at most ``ADDRESSES_PER_RULE``, in order.

    What is too long is halved, at the middle of the smallest network that holds all of it. So where a cut is depends on
    what addresses there are and not on how many come before: an address more or less changes one chunk, or makes two of
    one, or one of two. The lower half keeps the name, so that this is true of the rules, too. The price is that chunks
    are not full: there are up to twice as many as slices of the list would be, and more where most addresses are close
    to each other and others scattered around, as each network on the way to those may get a chunk of its own.
    """
    for start, blocks in _ranges(list(_blocks(addresses, family)), None) if addresses else ():
        yield Chunk(
            start="" if start is None else format_address(start, family),
            addresses=[text for block in blocks for text in _HALVES.get(block[1], (block[1],))],
        )


def _ranges(blocks: list[_Block], start: int | None) -> Iterator[tuple[int | None, list[_Block]]]:
    if len(blocks) <= ADDRESSES_PER_RULE:
        yield start, blocks
        return
    lowest, highest = blocks[0][0], blocks[-1][0]
    host_bits = (lowest ^ highest).bit_length() - 1  # of each half of the network that holds them
    middle = highest >> host_bits << host_bits
    cut = bisect_left(blocks, (middle, ""))
    yield from _ranges(blocks[:cut], start)
    yield from _ranges(blocks[cut:], middle)


def _blocks(addresses: IntervalSet, family: Family) -> Iterator[_Block]:
    width = 32 if family == "ipv4" else 128
    for interval in addresses.intervals:
        first = interval[0]
        for cidr in format_cidrs(IntervalSet((interval,)), family):
            yield first, cidr.removesuffix(f"/{width}")
            first += 1 << (width - int(cidr.rpartition("/")[2]))
