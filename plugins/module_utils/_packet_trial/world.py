# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A copy of a host: its ruleset, interfaces and addresses in network namespaces, and packets through it."""

from __future__ import annotations

import contextlib
import itertools
import struct
import typing as t
from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.cables import FENCE, Exit, Far, Near
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import Host, Link, Links
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.namespaces import Namespace
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.packets import Flow, packet
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.trace import (
    Cause,
    Tracer,
    keep_quiet,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.loading import Refused, load
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import NETFILTER, Netlink
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Ruleset, rules_of

_SETTINGS = Path("/proc/sys/net")
# What a host that forwards has, and nothing that drops by itself what rules let through.
_FORWARDING = {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}
_QUIET = {
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/icmp_echo_ignore_all": "1",
    "ipv6/icmp/echo_ignore_all": "1",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/default/accept_ra": "0",
}
_FORGET_FLOWS = 1 << 8 | 2
# What tracking keeps of so many packets is forgotten before the next ones.
_MOST_TRACKED = 4000


class Sample(t.NamedTuple):
    """A packet to try: its hook, what it is, and the interfaces that it comes in by and goes out by."""

    hook: str
    flow: Flow
    back: str
    onward: str


class Loss(t.NamedTuple):
    """A packet that did not come out, or the answer to it, and what dropped it, where the kernel says that."""

    answer: bool
    cause: Cause | None


class World:
    """A copy of a host with a ruleset.

    :param host: with the ways to the addresses of the packets
    :raises NoNamespaceError: if this process may not have network namespaces
    :raises NetlinkError: if the kernel does not take something of it
    """

    def __init__(self, host: Host, ruleset: Ruleset, samples: Sequence[Sample]) -> None:
        self._ruleset = ruleset
        self._handles: dict[tuple[str, str], list[int]] = {}
        self._numbers = itertools.count(1)
        self._tracer: Tracer | None = None
        self._explained = True
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            near, far = Namespace(), Namespace()
            stack.callback(near.close)
            stack.callback(far.close)
            self._namespace = near
            needed = [name for sample in samples for name in (sample.back, sample.onward) if name]
            with far.inside():
                _set({"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"})
            with near.inside():
                _set(_QUIET)
                links = Links(host, [*needed, *ruleset.devices()], far.descriptor)
                stack.callback(links.close)
                links.add(Link(FENCE, max(link.index for link in host.links.values()) + 1))
                macs = links.macs()
            with far.inside():
                links.far_up()
                self._far = Far(macs)
                stack.callback(self._far.close)
            with near.inside():
                self._far.meet(links.links)
                _set(_FORWARDING, needed=True)
                _furnish(links, host, samples)
                links.settle()
                self._near = Near(dict.fromkeys((sample.flow.version, sample.flow.protocol) for sample in samples))
                stack.callback(self._near.close)
                self.refused: Refused = load(ruleset)
                keep_quiet()
                self._tracking = Netlink(NETFILTER)
                stack.callback(self._tracking.close)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Let go of it, which ends it."""
        self._stack.close()

    def losses(self, samples: Iterable[Sample], explained: bool = True) -> list[Loss | None]:
        """Try packets and their answers, each as the first one of its connection; return what was lost of each.

        :param explained: whether the kernel is asked what dropped it
        """
        self._explained = explained
        found: dict[int, Loss | None] = {}
        waiting = list(enumerate(samples))
        while waiting:
            known: set[Flow] = set()
            later: list[tuple[int, Sample]] = []
            for place, sample in waiting:
                if sample.flow in known or len(known) > _MOST_TRACKED:
                    later.append((place, sample))
                    continue
                found[place], out = self._loss(sample)
                known.update((sample.flow, sample.flow.back()))
                if out:
                    known.update((out.flow, out.flow.back()))
            self._tracking.request(_FORGET_FLOWS, struct.pack(">BBH", 0, 0, 0))
            waiting = later
        return [found[place] for place in sorted(found)]

    def place_of(self, cause: Cause) -> int:
        """Return the place of a rule among those of its chain."""
        chain = (cause.table, cause.chain)
        if chain not in self._handles:
            family, name = self._table(cause.table)
            with self._namespace.inside():
                netlink = Netlink(NETFILTER)
            try:
                self._handles[chain] = [rule.handle for rule in rules_of(netlink, family, name, cause.chain)]
            finally:
                netlink.close()
        return self._handles[chain].index(cause.handle)

    def _table(self, table: str) -> tuple[int, str]:
        entry = next(one for one in self._ruleset.tables if one.table == table)
        return entry.family, entry.text(1)

    def _loss(self, sample: Sample) -> tuple[Loss | None, Exit | None]:
        number, inside = next(self._numbers), sample.hook == "output"
        content, back = packet(sample.flow, number), sample.back or FENCE
        out = self._sent(inside, back, sample.flow, content, number)
        if out is None:
            return Loss(False, self._cause(inside, back, sample.flow, content)), None
        answering = next(self._numbers)
        answer, content = out.flow.back(), packet(out.flow.back(), answering, number)
        if self._sent(not out.interface, out.interface, answer, content, answering) is None:
            return Loss(True, self._cause(not out.interface, out.interface, answer, content)), out
        return None, out

    def _sent(self, inside: bool, interface: str, flow: Flow, content: bytes, number: int) -> Exit | None:
        """Send a packet from the host itself, or by an interface, and return how it came out."""
        if inside:
            self._near.send(flow.version, flow.destination, content)
        else:
            self._far.send(interface, flow.version, content)
        found = self._found(flow, number)
        if not found:
            self._far.wait(self._near)
            found = self._found(flow, number)
        return found

    def _found(self, flow: Flow, number: int) -> Exit | None:
        return self._far.find(number) or self._near.find(flow.version, flow.protocol, number)

    def _cause(self, inside: bool, interface: str, flow: Flow, content: bytes) -> Cause | None:
        """Send once more what did not come out, and have the kernel say why."""
        if not self._explained:
            return None
        if self._tracer is None:
            with self._namespace.inside():
                self._tracer = Tracer()
            self._stack.callback(self._tracer.close)
        self._tracer.forget()
        self._sent(inside, interface, flow, content, 0)
        return self._tracer.cause(flow)


def _furnish(links: Links, host: Host, samples: Sequence[Sample]) -> None:
    """Give the copy the addresses and routes of the host, and what the samples need."""
    remote = {address: way.interface for address, way in host.ways.items() if way.interface in links.links}
    own = {}
    for sample in samples:
        if sample.hook != "output":
            remote[sample.flow.source] = sample.back or FENCE
        if sample.hook != "input":
            remote[sample.flow.destination] = sample.onward or FENCE
        if sample.hook == "input":
            own[sample.flow.destination] = sample.back or FENCE
        elif sample.hook == "output":
            own[sample.flow.source] = sample.onward or FENCE
    links.address_as_host(remote)
    for address, interface in own.items():
        if address not in remote:
            links.own(address, interface)
    for address, interface in remote.items():
        links.lead(address, interface)


def _set(settings: t.Mapping[str, str], needed: bool = False) -> None:
    """Set what a network namespace does. What is not *needed* may be missing, as IPv6 may."""
    for name, value in settings.items():
        path = _SETTINGS / name
        try:
            if path.exists() and path.read_text(encoding="ascii").strip() != value:
                path.write_text(value, encoding="ascii")
        except OSError as e:
            if needed:
                raise OSError(e.errno, f"{path} cannot be written ({e.strerror})") from e
