# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both inventory plugins do in Ansible: options, cache, the hosts that were found, and what is constructed."""

from __future__ import annotations

import socket
import typing as t
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from .._sources.found import POOLS, SOURCES, Found
from .._sources.joining import ADDRESSES, OF_ONE_SYSTEM, Entry, join, merge_ranges, pool_warnings
from .._sources.names import NameBook
from .._values.errors import PortMatrixError, names
from .inventory_files import READ_FILES, endings

# Variables of all hosts that have what the systems say of port ranges.
_RANGES = ("pexip_ports", "sfb_ports")


def look_up(name: str) -> list[str]:
    """Return what DNS, or whatever else this machine asks for names, has for *name*.

    :raises OSError: where it has nothing.
    """
    return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)})


def from_file(options: str, path: str) -> str:
    """Return *path*, which begins at the file with the *options* where it is relative."""
    return str(Path(options).parent / Path(path).expanduser())


class SystemInventory(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc] # Ansible has no types
    """An inventory that is read from a system. A subclass says how that is read."""

    NAME: str

    @abstractmethod
    def find(self, path: str, use_cache: bool) -> tuple[Found, str, str]:
        """Return what the system knows, what it is called, and when it was read. *path* has the options."""

    def verify_file(self, path: str) -> bool:
        """Tell whether *path* is called as files with the options of this plugin are."""
        return bool(super().verify_file(path)) and path.endswith(endings(self.NAME.rpartition(".")[2]))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Read the system, and add what it knows to *inventory*: everything, or nothing where something is wrong."""
        super().parse(inventory, loader, path, cache)
        self._config: Mapping[str, t.Any] = self._read_config_data(path)
        try:
            found, system, read = self.find(path, cache)
            added = self._add_hosts(found, system, read)
            self._add_ports(found)
        except PortMatrixError as e:
            raise AnsibleParserError(f"{self.NAME}:\n{e}") from e
        self._check_pools()
        self._construct(added)
        for warning in found.warnings:
            self.display.warning(warning)
        read_files = self.inventory.groups["all"].vars.get(READ_FILES, ())
        self.inventory.set_variable("all", READ_FILES, sorted({*read_files, path}))

    def option(self, name: str) -> t.Any:
        """Return an option; templates in the file, such as look-ups of secrets, are worked out."""
        value = self.get_option(name)
        return self.templar.template(value) if name in self._config else value

    def cached(self, path: str, use_cache: bool, identity: object, read: Callable[[], object]) -> tuple[t.Any, str]:
        """Return what *read* returns, and when it did: now, or earlier, where Ansible's cache has that.

        *identity* is what the result depends on, so that nothing is taken out of the cache for another system.
        """
        caching = bool(self.get_option("cache"))
        key = self.get_cache_key(path)
        if caching and use_cache:
            try:
                held = self._cache[key]
            except KeyError:
                held = None
            if isinstance(held, Mapping) and held.get("identity") == identity:
                return held["data"], str(held["read"])
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        held = {"identity": identity, "data": read(), "read": now}
        if caching:
            self._cache[key] = held
        return held["data"], now

    def tell(self, book: NameBook) -> None:
        """Say what DNS was asked."""
        for name, addresses in sorted(book.looked_up.items()):
            self.display.v(f"{self.NAME}: DNS has for {name} {', '.join(addresses)}")

    def _add_hosts(self, found: Found, system: str, read: str) -> list[str]:
        """Add the hosts, joined with those of other systems, and return their names in the inventory."""
        known = {
            name: Entry(frozenset(g.name for g in self.inventory.groups.values() if host in g.hosts), dict(host.vars))
            for name, host in self.inventory.hosts.items()
            if SOURCES in host.vars
        }
        new = {
            host.name: Entry(
                frozenset(host.groups),
                {**host.variables(), SOURCES: [host.source(system, read)]},
            )
            for host in found.hosts
        }
        joined = join(known, new)
        for name in known.keys() - joined.entries.keys():
            self.inventory.remove_host(self.inventory.hosts[name])
        for name in sorted(joined.entries):
            if joined.entries[name] is not known.get(name):
                self._add_host(name, joined.entries[name])
        for note in joined.notes:
            self.display.v(note)
        for warning in joined.warnings:
            self.display.warning(warning)
        return sorted({joined.renamed.get(name, name) for name in new})

    def _add_host(self, name: str, entry: Entry) -> None:
        self.inventory.add_host(name)
        for group in sorted(entry.groups - {"all", "ungrouped"}):
            self.inventory.add_group(group)
            self.inventory.add_child(group, name)
        variables = self.inventory.hosts[name].vars
        replaced = [key for key in OF_ONE_SYSTEM if key in variables]
        if SOURCES not in variables:
            said = {*entry.variables, *(ADDRESSES if not entry.variables.keys().isdisjoint(ADDRESSES) else ())}
            replaced = [key for key in replaced if key in said]
            if replaced:
                self.display.warning(
                    f"The host {name!r} has {names(replaced)} in an inventory file that is read before this one, and "
                    f"what {self.NAME} says takes its place. Write it in host_vars, or in a file that is read later"
                )
        for key in replaced:
            del variables[key]
        for key, value in entry.variables.items():
            self.inventory.set_variable(name, key, value)

    def _add_ports(self, found: Found) -> None:
        """Set the port ranges for all hosts. What somebody wrote for one in an earlier source stays."""
        before = self._of_all("port_matrix_ports")
        earlier = self._ranges()
        written = {name: ports for name, ports in before.items() if ports != earlier.get(name)}
        for key, value in found.facts.items():
            if key in _RANGES:
                value, differs = merge_ranges(self._of_all(key), t.cast("Mapping[str, list[str]]", value))
                if differs:
                    self.display.warning(differs)
            else:
                value = {**self._of_all(key), **t.cast("Mapping[str, object]", value)}
            self.inventory.set_variable("all", key, value)
        self.inventory.set_variable("all", "port_matrix_ports", {**self._ranges(), **written})

    def _of_all(self, name: str) -> Mapping[str, t.Any]:
        """A variable for all hosts, read anew: setting one makes a new mapping of all."""
        return t.cast("Mapping[str, t.Any]", self.inventory.groups["all"].vars.get(name, {}))

    def _ranges(self) -> dict[str, list[str]]:
        """What systems have said of port ranges until now."""
        return {name: ports for key in _RANGES for name, ports in self._of_all(key).items()}

    def _check_pools(self) -> None:
        nodes = self.inventory.groups.get("pexip_conferencing_nodes")
        known = {host.name: host.vars.get("pexip_dns_names", ()) for host in (nodes.get_hosts() if nodes else ())}
        for warning in pool_warnings(self._of_all(POOLS), known):
            self.display.warning(warning)

    def _construct(self, added: list[str]) -> None:
        strict = self.get_option("strict")
        for name in added:
            host = self.inventory.get_host(name)
            self._set_composite_vars(self.get_option("compose"), host.get_vars(), name, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), host.get_vars(), name, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), host.get_vars(), name, strict)
