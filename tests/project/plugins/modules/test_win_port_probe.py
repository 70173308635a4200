# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script win_port_probe.ps1, run by simulated_windows.powershell on sockets that are made up.

The sockets do what Microsoft's documents of bind, connect and SO_REUSEADDR say. What Windows does was not asked.
"""

from __future__ import annotations

import itertools
import random
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from simulated_windows import probe_module
from simulated_windows.powershell import Exit, Script
from simulated_windows.powershell_values import DotNetError

CODE = (Path(__file__).parents[4] / "plugins/modules/win_port_probe.ps1").read_bytes()
PROBE = {"probe": "tcp_connect", "protocol": "tcp", "source": "192.0.2.1", "source_ports": ["40600"]}
SOCKET_ERRORS = {"AccessDenied": 10013, "AddressAlreadyInUse": 10048, "AddressNotAvailable": 10049}


class SocketError(DotNetError):
    """SocketException."""

    def __init__(self, code: str) -> None:
        super().__init__(f"message of {code}", SocketErrorCode=code)


class IPAddress:
    """An address."""

    def __init__(self, text: str) -> None:
        if text.count(".") != 3 and ":" not in text:
            raise DotNetError("An invalid IP address was specified.")
        self.text = text
        self.AddressFamily = "InterNetworkV6" if ":" in text else "InterNetwork"

    @classmethod
    def Parse(cls, text: str) -> IPAddress:  # noqa: N802
        return cls(text)


class IPEndPoint:
    """An address and a port."""

    def __init__(self, address: IPAddress, port: int) -> None:
        if not 0 <= port <= 65535:
            raise DotNetError("Specified argument was out of the range of valid values.")
        self.address, self.Port = address.text, port


class Network:
    """Sockets of a host, and what they meet.

    ``outcomes`` has "address port" → the error that ends the connection, ``silence``, or an error with ``at once`` for
    one that BeginConnect throws; whatever is not in it is open. ``exclusive`` are ports that somebody has for himself.
    """

    def __init__(self, outcomes: Mapping[str, str] | None = None, exclusive: Sequence[int] = ()) -> None:
        self.outcomes = dict(outcomes or {})
        self.exclusive = exclusive
        self.bound: list[Socket] = []
        self.connected: set[tuple[str, int, str, int]] = set()
        self.free = itertools.count(50000)
        self.waited: list[int] = []


class Socket:
    """A socket of a network."""

    network: t.ClassVar[Network]

    def __init__(self, family: str, kind: str, protocol: str) -> None:
        assert (kind, protocol) == ("Stream", "Tcp")
        self._family = family
        self.shares = False
        self.LocalEndPoint: IPEndPoint
        self._remote: IPEndPoint
        self.AsyncWaitHandle = self

    def SetSocketOption(self, level: str, name: str, value: bool) -> None:  # noqa: N802
        assert (level, name) == ("Socket", "ReuseAddress")
        self.shares = value

    def Bind(self, local: IPEndPoint) -> None:  # noqa: N802
        if local.address == "192.0.2.99":
            raise SocketError("AddressNotAvailable")
        if local.Port in self.network.exclusive:
            raise SocketError("AccessDenied")
        port = local.Port or next(self.network.free)
        others = [other for other in self.network.bound if other.LocalEndPoint.Port == port]
        if others and not self.shares:
            raise SocketError("AddressAlreadyInUse")
        self.LocalEndPoint = IPEndPoint(IPAddress(local.address), port)
        self.network.bound.append(self)

    def BeginConnect(self, remote: IPEndPoint, callback: None, state: None) -> Socket:  # noqa: N802
        self._remote = remote
        outcome = self._outcome()
        if outcome.startswith("at once "):
            raise SocketError(outcome.removeprefix("at once "))
        return self

    def WaitOne(self, milliseconds: int, exit_context: bool) -> bool:  # noqa: N802
        self.network.waited.append(milliseconds)
        return self._outcome() != "silence"

    def EndConnect(self, pending: Socket) -> None:  # noqa: N802
        assert pending is self
        outcome = self._outcome()
        if outcome != "open":
            raise SocketError(outcome)
        both = (self.LocalEndPoint.address, self.LocalEndPoint.Port, self._remote.address, self._remote.Port)
        if both in self.network.connected:
            raise SocketError("AddressAlreadyInUse")
        self.network.connected.add(both)

    def Close(self) -> None:  # noqa: N802
        if self in self.network.bound:
            self.network.bound.remove(self)

    def _outcome(self) -> str:
        return self.network.outcomes.get(f"{self._remote.address} {self._remote.Port}", "open")


class Double:
    """System.Double in the language of a German host, which Parse with an invariant culture does not ask for."""

    @staticmethod
    def Parse(text: str, style: str, culture: str) -> float:  # noqa: N802
        assert (style, culture) == ("Float", "Invariant")
        try:
            return float(text)
        except ValueError as e:
            raise DotNetError("Input string was not in a correct format.") from e


class HashSet:
    """A set in the order of adding."""

    def __init__(self) -> None:
        self._items: dict[t.Any, None] = {}

    @property
    def Count(self) -> int:  # noqa: N802
        return len(self._items)

    def Add(self, item: t.Any) -> bool:  # noqa: N802
        is_new = item not in self._items
        self._items[item] = None
        return is_new


class Queue:
    """A queue."""

    def __init__(self) -> None:
        self._items: list[t.Any] = []

    @property
    def Count(self) -> int:  # noqa: N802
        return len(self._items)

    def Enqueue(self, item: t.Any) -> None:  # noqa: N802
        self._items.append(item)

    def Dequeue(self) -> t.Any:  # noqa: N802
        return self._items.pop(0)


class Stopwatch:
    """A watch that stands still."""

    ElapsedMilliseconds = 100

    @classmethod
    def StartNew(cls) -> Stopwatch:  # noqa: N802
        return cls()


class Module:
    """Ansible.Basic.AnsibleModule."""

    params: t.ClassVar[dict[str, t.Any]]

    def __init__(self) -> None:
        self.Params = self.params
        self.Result: dict[str, t.Any] = {}

    @classmethod
    def Create(cls, arguments: list[str], spec: dict[str, t.Any]) -> Module:  # noqa: N802
        cls.made = cls()
        # A float is read in the language of the host, so none must be asked for.
        assert "float" not in {option["type"] for option in spec["options"].values()}
        defaults = {name: option.get("default") for name, option in spec["options"].items()}
        cls.made.Params = {**defaults, **cls.params}
        return cls.made

    def FailJson(self, message: str, record: object = None) -> None:  # noqa: N802
        self.Result.update(failed=True, msg=message)
        raise Exit

    def ExitJson(self) -> None:  # noqa: N802
        raise Exit


class Names:
    """An enumeration, whose values are their names."""

    def __getattr__(self, name: str) -> str:
        return name


def probe(network: Network, *probes: dict[str, t.Any], **params: t.Any) -> dict[str, t.Any]:
    """Run the script; return its result."""
    Socket.network = network
    Module.params = {"probes": list(probes), **params}
    dice = random.Random(1)
    invariant = Names()
    invariant.InvariantCulture = "Invariant"
    Script(
        CODE,
        {
            "Ansible.Basic.AnsibleModule": Module,
            "System.Globalization.NumberStyles": Names(),
            "System.Globalization.CultureInfo": invariant,
            "double": Double,
            "Math": type("Math", (), {"Min": min, "Max": max}),
            "System.Collections.Generic.HashSet": HashSet,
            "System.Collections.Generic.Queue": Queue,
            "System.Diagnostics.Stopwatch": Stopwatch,
            "System.Net.IPAddress": IPAddress,
            "System.Net.IPEndPoint": IPEndPoint,
            "System.Net.Sockets.Socket": Socket,
            "System.Net.Sockets.SocketException": SocketError,
            **{f"System.Net.Sockets.{name}": Names() for name in ("SocketType", "ProtocolType")},
            **{f"System.Net.Sockets.SocketOption{name}": Names() for name in ("Level", "Name")},
        },
        {"Get-Random": lambda _script, _given, _positional, named: [dice.randrange(named["maximum"])]},
    ).run()
    assert network.bound == []  # every socket was closed
    return Module.made.Result


def to(address: str, **changes: t.Any) -> dict[str, t.Any]:
    return {**PROBE, "destination": address, "destination_port": 5061, **changes}


def verdicts(result: dict[str, t.Any]) -> list[tuple[str, str, int | None]]:
    return [(answer["verdict"], answer["detail"], answer["source_port"]) for answer in result["answers"]]


def test_one_source_port_serves_several_probes_at_the_same_time() -> None:
    result = probe(Network(), to("192.0.2.11"), to("192.0.2.12"), to("192.0.2.11", destination_port=5062))
    assert verdicts(result) == [("open", "connected", 40600)] * 3


def test_a_connection_that_is_there_already_costs_a_source_port_and_not_the_answer() -> None:
    network = Network()
    network.connected.add(("192.0.2.1", 40600, "192.0.2.11", 5061))
    assert verdicts(probe(network, to("192.0.2.11", source_ports=["40600-40601"]))) == [("open", "connected", 40601)]
    assert verdicts(probe(network, to("192.0.2.11"))) == [
        ("error", "no permitted source port is free, of 1 that were tried", None)
    ]
    assert network.waited.count(2900) == len(network.waited)  # each attempt has all of its time


@pytest.mark.parametrize("code", ["AccessDenied", "AddressAlreadyInUse"])
def test_a_port_that_somebody_else_has_is_passed_over(code: str) -> None:
    network = Network(exclusive=range(40600, 40609) if code == "AccessDenied" else ())
    if code == "AddressAlreadyInUse":
        network.outcomes["192.0.2.11 5061"] = code
    (answer,) = verdicts(probe(network, to("192.0.2.11", source_ports=["40600-40609"])))
    none_left = ("error", "no permitted source port is free, of 10 that were tried", None)
    assert answer == (("open", "connected", 40609) if code == "AccessDenied" else none_left)


@pytest.mark.parametrize("when", ["", "at once "])
@pytest.mark.parametrize(
    ("code", "verdict", "detail"),
    [
        ("ConnectionRefused", "refused", "reset by the destination, or by a firewall in its name"),
        ("ConnectionReset", "refused", "reset by the destination, or by a firewall in its name"),
        ("AccessDenied", "filtered", "dropped by a firewall on the probing host itself"),
        ("TimedOut", "filtered", "message of TimedOut"),
        ("NetworkUnreachable", "error", "message of NetworkUnreachable"),
    ],
)
def test_an_error_means_the_same_at_once_and_later(when: str, code: str, verdict: str, detail: str) -> None:
    assert verdicts(probe(Network({"192.0.2.11 5061": when + code}), to("192.0.2.11"))) == [(verdict, detail, 40600)]


def test_silence_is_filtered_after_the_time_that_was_asked_for() -> None:
    for timeout, shown in ((2.7, "2.7"), ("2.7", "2.7"), ("3.0", "3"), (3, "3")):
        network = Network({"192.0.2.11 5061": "silence"})
        result = probe(network, to("192.0.2.11"), timeout=timeout)
        assert verdicts(result) == [("filtered", f"no answer within {shown} s", 40600)]
        assert network.waited == [round(float(shown) * 1000) - 100]


@pytest.mark.parametrize("timeout", ["soon", "2,7", -1, "NaN", 1e9])
def test_what_is_no_time_to_wait_is_refused(timeout: object) -> None:
    result = probe(Network(), to("192.0.2.11"), timeout=timeout)
    assert result["failed"]
    assert "is not a time to wait; accepted: seconds from 0 to 86400" in result["msg"]


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        ({"source_ports": ["sip"]}, "'sip' is not a source port or a range of them"),
        ({"source_ports": ["40600", "70000"]}, "'70000' is not a source port or a range of them"),
        ({"source_ports": ["5-4"]}, "'5-4' is not a source port or a range of them"),
        ({"source_ports": [0]}, "'0' is not a source port or a range of them"),
        ({"destination": "edge1"}, "An invalid IP address was specified."),
        ({"destination_port": "sip"}, 'Cannot convert value "sip" to type "System.Int32".'),
        ({"destination_port": 70000}, "Specified argument was out of the range of valid values."),
        ({"source": "192.0.2.99"}, "this host has no address 192.0.2.99"),
    ],
)
def test_what_is_wrong_with_one_probe_is_its_answer_and_no_end_of_the_others(
    wrong: dict[str, t.Any], detail: str
) -> None:
    first, second = verdicts(probe(Network(), to("192.0.2.11", **wrong), to("192.0.2.12")))
    assert first == ("error", detail, None)
    assert second == ("open", "connected", 40600)


def test_source_ports_are_drawn_once_each_and_by_the_size_of_their_range() -> None:
    few = Network(exclusive=[1, 2, 3, 4, 5, 7, 8, 9, 10])
    assert verdicts(probe(few, to("192.0.2.11", source_ports=["1-9", 10]))) == [("open", "connected", 6)]
    ports = ["40000", "50000-59999"]
    probes = [to(f"192.0.{n // 250}.{n % 250}", source_ports=ports) for n in range(300)]
    alone = [port for _verdict, _detail, port in verdicts(probe(Network(), *probes)) if port == 40000]
    assert len(alone) < 10  # of 300; where each item counts the same, it is half of them


@pytest.mark.parametrize("permitted", [None, []])
def test_where_all_are_permitted_the_system_takes_one(permitted: object) -> None:
    assert verdicts(probe(Network(), to("192.0.2.11", source_ports=permitted))) == [("open", "connected", 50000)]


def test_only_tcp_is_probed_and_no_responder() -> None:
    result = probe(Network(), to("192.0.2.11", protocol="udp", probe="stun"), to("192.0.2.11", probe="responder"))
    assert [answer["verdict"] for answer in result["answers"]] == ["not_probeable"] * 2
    assert not Module.made.Result.get("failed")


@pytest.mark.parametrize("timeout", ["3.0", 2.7, "soon"])
def test_the_stand_in_of_the_simulated_host_returns_the_same(timeout: object) -> None:
    """With one source port, as it does not draw."""
    network = {"192.0.2.11 5061": "refused", "192.0.2.12 5061": "filtered"}
    outcomes = {"192.0.2.11 5061": "ConnectionRefused", "192.0.2.12 5061": "silence"}
    probes = [to(f"192.0.2.{number}") for number in (11, 12, 13, 13, 14)]
    probes += [to("192.0.2.15", source_ports=ports) for ports in (["40601"], ["sip"], ["5-4"], [70000])]
    probes += [to("192.0.2.16", protocol="udp"), to("192.0.2.16", probe="responder")]
    found = probe(Network(outcomes, exclusive=[40601]), *probes, timeout=timeout)
    expected = probe_module.run({"probes": probes, "timeout": timeout}, network, [40601])
    assert found == {name: value for name, value in expected.items() if name != "changed"}
