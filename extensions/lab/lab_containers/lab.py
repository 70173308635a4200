# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab consists of, and how podman makes, awaits and removes it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

# More at once only wait for each other: podman has locks.
_AT_ONCE = 4
_SSH_SECONDS = _SYSTEMD_SECONDS = 300  # only what hangs takes as long, on a busy machine too
_MANY_CONTAINERS = (
    "Where many containers run, they may have used up the inotify instances of this machine: each takes three or four "
    "of fs.inotify.max_user_instances."
)
_CAPABILITIES = ("NET_ADMIN", "NET_RAW", "SYS_ADMIN")
_SSH = 22


class LabError(Exception):
    """The lab cannot be made or removed; the text says what to do."""


class Host(t.NamedTuple):
    """A container that stands for a machine.

    ``networks`` are values of podman's ``--network``, ``addresses`` all its own, the first one reached from here.
    """

    name: str
    image: str
    networks: Sequence[str]
    addresses: Sequence[str]
    sysctls: Mapping[str, str]
    environment: Mapping[str, str]
    capabilities: Sequence[str]


class Lab(t.NamedTuple):
    """A lab: names that begin with ``prefix``, and the label ``label`` ("name=value") on all that is made.

    ``networks``: zone → options of ``podman network create``.
    """

    prefix: str
    label: str
    networks: Mapping[str, Sequence[str]]
    hosts: Sequence[Host]

    def container(self, host: Host) -> str:
        """Return the name of the container of *host*."""
        return self.prefix + host.name


def check_machine() -> None:
    """See whether this machine can have a lab.

    :raises LabError: podman does not work here, or this is not root.
    """
    try:
        _podman("info")
    except (LabError, OSError) as error:
        raise LabError(
            f"The lab's hosts are podman containers, and podman does not work here ({error}). On Debian 12 or 13, as "
            "root: apt-get install podman runc mmdebstrap. Where control groups are hybrid or limits cannot be raised, "
            "let the variable CONTAINERS_CONF name a file as README.md next to create.yml shows."
        ) from error
    if os.geteuid() != 0:
        raise LabError("The lab makes networks that this machine reaches directly, which needs root. Run it as root.")


def create(lab: Lab) -> None:
    """Make the networks, start the containers, and wait until each answers and has started everything.

    :raises LabError: something of it failed.
    """
    for zone, options in lab.networks.items():
        _make_network(lab, zone, options)
    _for_each(lab.hosts, lambda host: _podman(*run_arguments(lab, host)))
    for host in lab.hosts:
        _reached_directly(host)
    _for_each(lab.hosts, lambda host: _answers(lab, host))
    processes = _podman("inspect", "--format", "{{.State.Pid}}", *(lab.container(host) for host in lab.hosts)).split()
    started = dict(zip((host.name for host in lab.hosts), processes, strict=True))
    _for_each(lab.hosts, lambda host: _has_started_everything(lab, host, started[host.name]))


def remove(label: str) -> list[str]:
    """Remove all that carries *label*, also what a dead run left; return its names.

    :raises LabError: something is still there.
    """
    ours = ("--filter", f"label={label}", "--format")
    containers = _podman("ps", "--all", *ours, "{{.Names}}").split()
    networks = _podman("network", "ls", *ours, "{{.Name}}").split()
    if containers:  # one command for all: removing them one by one takes a second each
        _remove_containers(containers)
    if networks:
        _podman("network", "rm", "--force", "--time", "0", *networks)
    return containers + networks


def _remove_containers(containers: Sequence[str], attempts: int = 60) -> None:
    """Remove containers; again where a file system of one is busy, which it is as long as another program starts.

    Whatever makes a mount namespace just then, such as another container, has a copy of all mounts for a moment.
    """
    try:
        _podman("rm", "--force", "--ignore", "--volumes", "--time", "0", *containers)
    except LabError as error:
        if "resource busy" not in str(error) or attempts == 1:
            raise
        time.sleep(1)
        _remove_containers(containers, attempts - 1)


def run_arguments(lab: Lab, host: Host) -> list[str]:
    """Return the arguments of podman that start the container of *host*."""
    arguments = ["run", "--detach", "--name", lab.container(host), "--hostname", host.name, "--label", lab.label]
    arguments += ["--systemd", "always", "--restart", "always"]  # systemctl reboot ends the container
    arguments += [f"--cap-add={capability}" for capability in (*_CAPABILITIES, *host.capabilities)]
    arguments += [f"--network={network}" for network in host.networks]
    arguments += [f"--sysctl={name}={value}" for name, value in host.sysctls.items()]
    arguments += [f"--env={name}={value}" for name, value in host.environment.items()]
    return [*arguments, host.image, "/sbin/init"]


def _make_network(lab: Lab, zone: str, options: Sequence[str]) -> None:
    try:
        fixed = ("--internal", "--disable-dns", "--label", lab.label)
        _podman("network", "create", *fixed, *options, lab.prefix + zone)
    except LabError as error:
        raise LabError(
            f"The network of zone {zone} ({' '.join(options)}) could not be made: {error}. Where this machine itself "
            "or another lab uses these addresses, remove that lab or choose other subnets in lab_zones."
        ) from error


def _reached_directly(host: Host) -> None:
    """Refuse an address that is not on a network of this machine: the lab's traffic would go to somebody else."""
    way = _run("ip", "route", "get", host.addresses[0])
    if " via " in way:
        raise LabError(f"{host.name} is not reached directly by this machine: {way.strip()}")


def _answers(lab: Lab, host: Host) -> None:
    deadline = time.monotonic() + _SSH_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((host.addresses[0], _SSH), timeout=5) as connection:
                if b"OpenSSH" in connection.recv(100):
                    return
        except OSError:
            pass
        time.sleep(0.2)
    container = lab.container(host)
    raise LabError(
        f"The container {container} has not started its SSH server within five minutes; see `podman exec {container} "
        f"systemctl status`. {_MANY_CONTAINERS}"
    )


def _has_started_everything(lab: Lab, host: Host, process: str) -> None:
    # As nsenter, which costs a tenth of `podman exec`.
    inside = ["nsenter", "--all", "--target", process, "timeout", str(_SYSTEMD_SECONDS), "systemctl"]
    done = subprocess.run([*inside, "is-system-running", "--wait"], capture_output=True, text=True, check=False)
    if done.stdout.strip() != "running":
        failed = subprocess.run(
            [*inside, "--failed", "--plain", "--no-legend"], capture_output=True, text=True, check=False
        )
        units = ", ".join(line.split()[0] for line in failed.stdout.splitlines() if line)
        raise LabError(
            f"Not everything has started in the container {lab.container(host)}: "
            f"{done.stdout.strip() or done.stderr.strip()}, failed units: {units or 'none'}. {_MANY_CONTAINERS}"
        )


def _for_each(hosts: Iterable[Host], deed: Callable[[Host], object]) -> None:
    """Do *deed* for several hosts at once; the error, if any, names all those that it failed for."""

    def error_of(host: Host) -> str:
        try:
            deed(host)
        except LabError as error:
            return f"{host.name}: {error}"
        return ""

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        errors = list(filter(None, pool.map(error_of, hosts)))
    if errors:
        raise LabError("\n".join(errors))


def _podman(*arguments: str) -> str:
    return _run("podman", *arguments)


def _run(*command: str) -> str:
    """Return what *command* prints.

    :raises LabError: it fails; with what it says.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(done.stderr.strip() or f"{command[0]} {command[1]} ended with {done.returncode}")
    return done.stdout
