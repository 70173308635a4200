# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fault tests share: the lab's hosts, seen from their console, and controllers that can be killed.

Run by the Molecule scenario `faults`, whose lab they need. Ansible connects over SSH; what a test asserts it sees
through a process in the host's namespaces, which no firewall rule can stop.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from warm_ansible import start

HERE = Path(__file__).parent
SCENARIO = HERE.parents[1] / "extensions/molecule/faults"
FIREWALLD = (SCENARIO.parent / "files/firewalld.py").read_text(encoding="utf-8")
PREFIX = "pexip-sfb-molecule-faults-"
ADDED = "198.19.121.12"
NODES = ["198.19.121.11", ADDED, "2001:db8:fc:1::11"]
TIMER = "pexip-sfb-firewall-go-back.timer"
HANG = 600  # seconds: on a busy machine, too, only what hangs takes as long


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lab", help="directory with the state of the lab of the Molecule scenario faults")
    # A host bears its faults one by one. Two runs, one for each host, take half the time.
    parser.addoption("--backend", choices=TARGETS, help="only the faults of the host with this back end")


class Run:
    """One run of ansible-playbook, in a process group of its own."""

    def __init__(self, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        self._log = log
        with log.open("w", encoding="utf-8") as output:
            self._run = start("playbook", arguments, stdout=output, stderr=output, env=environment)

    def output(self) -> str:
        """Everything it has printed so far, in one line, without colors and ends of lines that Ansible put in."""
        return " ".join(re.sub(r"\x1b\[[\d;]*m", "", self._log.read_text(encoding="utf-8")).split())

    def end(self) -> str:
        """Wait for its end; return its output."""
        if self._run.wait(HANG) is None:
            self.send(signal.SIGKILL)
            pytest.fail(f"the play did not end within {HANG} s: {self.output()}")
        return self.output()

    @property
    def has_ended(self) -> bool:
        return self._run.wait(0) is not None

    @property
    def succeeded(self) -> bool:
        return self._run.wait(HANG) == 0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Have it stand still."""
        os.killpg(self._run.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._run.pid, signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group, as a terminal does, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._run.pid, number)
        self._run.wait(HANG)


def _said(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end of nsenter; return what the program printed.

    A systemd that reboots stops all programs of its host before it ends them. Nsenter stops when its program does, and
    nobody but us would have it go on.
    """
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=1)
        process.send_signal(signal.SIGCONT)


class Target:
    """A managed host, through its console."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self._container = f"{PREFIX}{name}"
        self._process = ""

    def run(self, *command: str, check: bool = True) -> str:
        """Run a program next to the host's first process: `podman exec` would start several more for each."""
        if not self._process:
            inspect = ["podman", "inspect", "--format", "{{.State.Pid}}", self._container]
            self._process = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.strip()
        with subprocess.Popen(
            ["nsenter", f"--target={self._process}", "--all", "--wdns=/", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
        ) as process:  # fmt: skip
            output, errors = _said(process)
        assert process.returncode == 0 or not check, f"{self.name}: {' '.join(command)}: {errors}"
        return output

    def has(self, path: str) -> bool:
        return self.run("sh", "-c", 'test -e "$1" && echo yes || true', "sh", path).strip() == "yes"

    def firewall(self) -> dict[str, t.Any]:
        """What the kernel, the daemon and the next boot have of ours."""
        raise NotImplementedError

    def wait_for_pending(self, sign: str = ADDED) -> None:
        """Wait until a change is applied, and its module has ended: it holds the lock until then.

        :param sign: what the ruleset has of the change; default: the node that the fixture `nodes` adds.
        """
        # Confirmed where it should not be, it is to fail the test, and not to be waited for.
        made = "{ test -e /run/pexip_sfb/pending/go_back || test -e /run/pexip_sfb/confirmed; }"
        in_force = f"nft list ruleset | grep -qF '{sign}'"
        self.wait_there(f"{in_force} && {made} && flock --nonblock /run/pexip_sfb/lock true")

    def wait_for_question(self) -> None:
        """Wait until the play is to confirm the change: it has the module's answer, and closed its connection.

        A host that goes away before that leaves the play waiting for an answer that does not come any more.
        """
        self.wait_there("! ss -Htn state established 'sport = :22' | grep -q .")

    def elapse(self) -> None:
        """Have the time for the confirmation be over: its timer, which is the product's own, elapses at once."""
        place = f"/run/systemd/system/{TIMER}.d"
        self.run(
            "sh", "-ec",
            f"systemctl is-active {TIMER}; mkdir -p {place}; cd {place}; "
            "printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=1\\n' >elapse.conf; systemctl daemon-reload; rm elapse.conf",
        )  # fmt: skip

    def go_back(self) -> None:
        """Take back what a test that failed left: it would stand in the way for as long as a change may be pending."""
        stop = f"if systemctl is-active --quiet {TIMER}; then systemctl stop {TIMER}; fi"
        self.run("sh", "-ec", f"if test -e /run/pexip_sfb/pending; then {stop}; sh /run/pexip_sfb/go_back; fi")

    def wait_for_end_of_pending(self) -> None:
        """Wait until the host has taken the change back."""
        self.wait_there("test ! -e /run/pexip_sfb/pending && test -e /run/pexip_sfb/taken_back/result")

    def wait_there(self, condition: str) -> None:
        """Have the host itself wait until *condition* holds: asking it again and again keeps a processor busy."""
        script = f"until {condition}; do sleep 0.1; done; echo yes"
        waited = self.run("timeout", f"{HANG}", "sh", "-c", script, check=False)
        assert waited.strip() == "yes", f"{self.name}: not within {HANG} s: {condition}"

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + HANG
        while not condition():
            assert time.monotonic() < deadline, f"{self.name}: not within {HANG} s"
            time.sleep(0.1)

    def is_changed(self) -> bool:
        """Whether the kernel has the node that the fixture `nodes` adds."""
        return ADDED in self.run("nft", "list", "ruleset")

    def reboot(self) -> None:
        subprocess.run(["podman", "restart", "--time", "10", self._container], check=True, capture_output=True)
        self._process = ""
        self.wait(lambda: self.run("systemctl", "is-system-running", "--wait", check=False).strip() == "running")
        self.wait(self.answers)

    def soft_reboot(self) -> None:
        """Have systemd end and start everything, with the kernel as it is."""
        count = "systemctl show --property SoftRebootsCount --value"
        before = int(self.run(*count.split()))
        self.run("systemctl", "--no-block", "soft-reboot")
        # It kills what waits on the host itself, too; and while systemd starts anew, it answers nobody.
        self.wait(lambda: self.run(*count.split(), check=False).strip() == str(before + 1))
        self.wait(lambda: self.run("systemctl", "is-system-running", "--wait", check=False).strip() == "running")
        self.wait(self.answers)

    def answers(self) -> bool:
        """Whether a new connection to its SSH server works."""
        try:
            with socket.create_connection((self.address, 22), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


class Lockout(t.NamedTuple):
    """A change that lets nobody in: the arguments of its module, what the ruleset has of it, and whether it cuts off
    who is connected."""

    arguments: dict[str, t.Any]
    sign: str
    cuts_off: bool


class NftablesTarget(Target):
    lockout = Lockout(
        {
            "ruleset": """table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {
    chain input { type filter hook input priority filter; policy drop; }
    chain output { type filter hook output priority filter; policy drop; }
}
"""
        },
        "hook output",
        cuts_off=True,
    )
    # What looks good to everybody who is connected already.
    no_new_connection = Lockout(
        {
            "ruleset": """table inet pexip_sfb
delete table inet pexip_sfb
table inet pexip_sfb {
    chain input { type filter hook input priority filter; policy drop; tcp flags & (syn | ack) != syn accept; }
}
"""
        },
        "tcp flags",
        cuts_off=False,
    )

    def firewall(self) -> dict[str, t.Any]:
        # UDP is among the older flows for some seconds after a first run, and goes by itself. TCP stays for a day.
        listing = re.sub(r",\s+udp timeout \w+(?= })", "", self.run("nft", "-s", "list", "ruleset"))
        # A change adds a set after those that are there, and the next boot loads all of them in the order of the file.
        sets = re.compile(r"^\tset .*?^\t}\n+", re.MULTILINE | re.DOTALL)
        files = "! test -e /etc/pexip_sfb || find /etc/pexip_sfb -printf '%p %m %u\\n' -type f -exec cat {} +"
        # Its exit code tells the state once more, and that of a unit that is not there differs between releases.
        unit = self.run("systemctl", "is-enabled", "pexip-sfb-firewall.service", check=False)
        return {
            "kernel": sets.sub("", listing), "sets": sorted(sets.findall(listing)),
            "files": self.run("sh", "-c", files), "unit": unit,
        }  # fmt: skip


class FirewalldTarget(Target):
    lockout = Lockout(
        {
            "objects": {
                "ipsets": {},
                "policies": {
                    "pexip_sfb_lockout": {
                        "short": "", "description": "", "target": "DROP", "priority": -10,
                        "ingress_zones": ["ANY"], "egress_zones": ["HOST"], "rich_rules": [],
                    }
                },
            }
        },
        "pexip_sfb_lockout",
        cuts_off=False,  # firewalld itself lets everybody go on who is connected
    )  # fmt: skip

    def firewall(self) -> dict[str, t.Any]:
        files = "find /etc/firewalld -name '*pexip_sfb*' -print -exec cat {} +"
        return {**json.loads(self.run("python3", "-c", FIREWALLD)), "files": self.run("sh", "-c", files)}


AnyTarget = NftablesTarget | FirewalldTarget
TARGETS: dict[str, AnyTarget] = {
    "nftables": NftablesTarget("turn_nft", "198.19.121.41"),
    "firewalld": FirewalldTarget("turn_fd", "198.19.121.42"),
}


class Controller:
    """Starts plays against the lab."""

    def __init__(self, lab: Path, logs: Path) -> None:
        self._lab = lab
        self._logs = logs
        self._number = 0

    def start(self, target: Target, playbook: str = "role", *options: str, **variables: t.Any) -> Run:
        """Start a play; the variables go on top of those of the inventory."""
        self._number += 1
        everything = {"lab_state_directory": str(self._lab), "target": target.name, **variables}
        arguments = [
            f"--inventory={SCENARIO / 'inventory'}", "--diff", *options,
            f"--extra-vars={json.dumps(everything)}", str(HERE / "playbooks" / f"{playbook}.yml"),
        ]  # fmt: skip
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "PYTHONUNBUFFERED": "1",  # what it says is read while it runs, and a file gets it late otherwise
        }
        return Run(arguments, self._logs / f"{self._number}.log", environment)

    def play(self, target: Target, playbook: str = "role", *options: str, **variables: t.Any) -> Run:
        """Run a play to its end."""
        run = self.start(target, playbook, *options, **variables)
        run.end()
        return run

    def lock_out(self, target: Target, lockout: Lockout, **variables: t.Any) -> Run:
        """Run a play that locks everybody out, and have the time for its confirmation be over once one has failed.

        Where the change cuts the play's own connection, nothing is heard of it before that time is over.
        """
        # Each attempt to connect takes as long as this, so the lab's own 60 s would be waited for in vain.
        run = self.start(target, "lockout", ansible_timeout=20, **lockout.arguments, **variables)
        target.wait_for_pending(lockout.sign)
        if not lockout.cuts_off:
            target.wait(lambda: "not confirmed yet" in run.output() or run.has_ended)
        target.elapse()
        run.end()
        return run


@pytest.fixture(scope="session")
def controller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    lab = request.config.getoption("--lab")
    if not lab:
        pytest.fail("these tests need the lab of the Molecule scenario faults: molecule test --scenario-name faults")
    return Controller(Path(lab).resolve(), tmp_path_factory.mktemp("plays"))


@pytest.fixture
def nodes() -> list[str]:
    """The nodes of a change: one more than the site has."""
    return NODES


@pytest.fixture(params=TARGETS)
def untouched(request: pytest.FixtureRequest) -> AnyTarget:
    """A host of each back end, as it is."""
    return TARGETS[request.param]


Checks = list[dict[str, t.Any]]
MATRIX_FIXTURES = {"target", "nftables_target", "firewalld_target"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what needs a host without the role, and leave out what is for the other back end."""
    items.sort(key=lambda item: not MATRIX_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())))
    chosen = config.getoption("--backend")
    items[:] = [item for item in items if chosen in (None, _backend(item))]


def _backend(item: pytest.Item) -> str:
    if "firewalld_target" in getattr(item, "fixturenames", ()):
        return "firewalld"
    params: dict[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    return params.get("untouched", "nftables")


@pytest.fixture(scope="session")
def applied() -> set[str]:
    """The hosts that have had the role once."""
    return set()


@contextlib.contextmanager
def _with_the_matrix(one: Target, controller: Controller, applied: set[str]) -> Iterator[None]:
    if one.name not in applied:
        one.go_back()
        run = controller.play(one)
        assert run.succeeded, run.output()
    before = one.firewall()
    yield
    applied.add(one.name)
    if one.firewall() != before:
        applied.discard(one.name)  # a test that failed is not to fail the others


@pytest.fixture
def target(untouched: AnyTarget, controller: Controller, applied: set[str]) -> Iterator[AnyTarget]:
    """A host of each back end that has the port matrix already."""
    with _with_the_matrix(untouched, controller, applied):
        yield untouched


@pytest.fixture
def nftables_target(controller: Controller, applied: set[str]) -> Iterator[NftablesTarget]:
    """The host with nftables, where a fault concerns that alone."""
    one = t.cast(NftablesTarget, TARGETS["nftables"])
    with _with_the_matrix(one, controller, applied):
        yield one


@pytest.fixture
def firewalld_target(controller: Controller, applied: set[str]) -> Iterator[FirewalldTarget]:
    """The host with firewalld, where a fault concerns that alone."""
    one = t.cast(FirewalldTarget, TARGETS["firewalld"])
    with _with_the_matrix(one, controller, applied):
        yield one


@contextlib.contextmanager
def _answered_once(number: int) -> Iterator[tuple[socket.socket, Checks]]:
    """Yield so many checks from the controller that are answered before a change, and time out after it in 3 s each.

    With the server that they are for: when it is closed, they are refused at once.

    Nobody takes the connections from the queue of the port, so it is full when the first ones have been made.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=number - 1) as server:
        yield server, [{"host": "127.0.0.1", "port": server.getsockname()[1], "from": "controller"}] * number


@pytest.fixture
def one_answer() -> Iterator[Checks]:
    """A check from the controller that is answered before the change and not after it."""
    with _answered_once(1) as (_server, checks):
        yield checks


class Held(t.NamedTuple):
    """Checks that keep a change pending until they are told that nobody answers."""

    checks: Checks
    release: Callable[[], None]


@pytest.fixture
def held() -> Iterator[Held]:
    """So many checks that only what hangs waits for the last one."""
    with _answered_once(HANG // 3) as (server, checks):
        yield Held(checks, server.close)
