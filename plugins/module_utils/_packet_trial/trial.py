# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packets, and answers to them, a ruleset lets through on a host: the kernel judges them in a copy of it."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.cables import one_processor
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import Host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.namespaces import (
    in_thread,
    make_settings_writable,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.packets import (
    Flow,
    packed_address,
    protocol_number,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.world import Loss, Sample, World
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.doubts import variants
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Rule, Ruleset


class Cause(t.NamedTuple):
    """What drops: a rule, or the policy of the chain where that is None; and the base chain that leads there."""

    table: str
    chain: str
    rule: Rule | None
    base: str


class Finding(t.NamedTuple):
    """That a packet or its answer does not come out, or may not; without a cause, nothing says why."""

    answer: bool
    cause: Cause | None
    certain: bool


def flow_of(data: Mapping[str, t.Any]) -> Flow:
    """Return the flow of a packet of the filter sample_packets. Raises ValueError for no address or protocol."""
    return Flow(
        protocol_number(data["protocol"]),
        packed_address(data["source"]),
        data["source_port"] or 0,
        packed_address(data["destination"]),
        data["destination_port"] or 0,
    )


def sample_of(hook: str, flow: Flow, host: Host) -> Sample:
    """Return a packet with the interfaces that *host* would have it come in and go out by."""
    back = "" if hook == "output" else host.ways[flow.source].interface
    onward = "" if hook == "input" else host.ways[flow.destination].interface
    return Sample(hook, flow, back, onward)


def is_clear(sample: Sample) -> bool:
    """Tell whether the host has a way for a packet, and another one than back."""
    if sample.hook == "forward":
        return bool(sample.back and sample.onward and sample.back != sample.onward)
    return bool(sample.back or sample.onward)


def try_packets(host: Host, ruleset: Ruleset, samples: Sequence[Sample], marks: bool = False) -> list[Finding | None]:
    """Return what *ruleset* does to each of *samples* on *host*: None where it and its answer come out.

    :param marks: whether packets and connections may have marks that the ruleset does not give them
    :raises OSError: where no copy can be made: NoNamespaceError, NetlinkError, HangsError and others
    """

    def work() -> list[Finding | None]:
        one_processor()
        with contextlib.suppress(OSError):  # what is needed and cannot be set is said then
            make_settings_writable()
        return _findings(host, ruleset, samples, marks)

    return in_thread(work)


def _findings(host: Host, ruleset: Ruleset, samples: Sequence[Sample], marks: bool) -> list[Finding | None]:
    refused: set[int] = set()
    while True:
        with contextlib.ExitStack() as stack:
            worlds = []
            for variant in variants(ruleset, refused, marks):
                world = World(host, variant, samples)
                stack.callback(world.close)
                worlds.append(world)
                if world.refused:
                    break
            if worlds[-1].refused:
                refused.update(worlds[-1].refused)
                continue
            lost = [world.losses(samples) for world in worlds]
            places = _places(ruleset)
            return [
                _finding(sample, losses, worlds, places)
                for sample, losses in zip(samples, zip(*lost))  # Python 3.9
            ]


def _finding(
    sample: Sample,
    losses: Sequence[Loss | None],
    worlds: Sequence[World],
    places: Mapping[tuple[str, str], list[Rule]],
) -> Finding | None:
    # Backwards: what drops where the rules in doubt let the most through is rather to blame.
    lost = [(world, loss) for world, loss in reversed(list(zip(worlds, losses))) if loss]  # Python 3.9
    if not lost:
        return None
    # Where the packet itself comes through in one of them, that is not what is to blame.
    world, loss = next((pair for pair in lost if pair[1].answer), lost[0])
    cause = None
    if loss.cause:
        table, chain, handle, base = loss.cause
        rule = places[table, chain][world.place_of(loss.cause)] if handle else None
        cause = Cause(table, chain, rule, base)
    return Finding(loss.answer, cause, bool(cause) and all(losses) and is_clear(sample))


def _places(ruleset: Ruleset) -> dict[tuple[str, str], list[Rule]]:
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule in ruleset.rules:
        found.setdefault((rule.table, rule.chain), []).append(rule)
    return found


def addresses(flows: Iterable[Flow]) -> Iterator[bytes]:
    """Yield the addresses of flows, each once."""
    return iter(dict.fromkeys(address for flow in flows for address in (flow.source, flow.destination)))
