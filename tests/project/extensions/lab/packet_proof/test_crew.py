# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation with real processes, by way of a stand-in for podman that plays an agent."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from pathlib import Path

import pytest
from packet_proof.__main__ import main
from packet_proof.crew import PodmanCrew

# Answers like an agent, without the sockets that take privileges.
FAKE_PODMAN = """#!{python}
import json, os, sys
container = sys.argv[-5]
if container == "lab-gone":
    sys.exit("no such container lab-gone")
stream = os.fdopen(0, "rb", buffering=0)
def line():
    data = b""
    while not data.endswith(b"\\n"):
        more = stream.read(1)
        if not more:
            sys.exit(0)
        data += more
    return data
left = int(line())
while left:
    left -= len(stream.read(left))
print(json.dumps({{"ready": True}}), flush=True)
while True:
    request = json.loads(line())
    if container == "lab-silent":
        continue
    answers = {{"collect": {{"seen": [1], "delivered": [2]}}, "flush": {{"error": "no conntrack"}}}}
    print(json.dumps(answers.get(request["do"], {{"asked": request}})), flush=True)
"""


@pytest.fixture
def fake_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = tmp_path / "podman"
    podman.write_text(FAKE_PODMAN.format(python=sys.executable))
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.usefixtures("fake_podman")
def test_a_conversation() -> None:
    with PodmanCrew("lab-", ["a", "b"], ["tcp"]) as crew:
        assert crew.dead == {}
        answers = crew.send({"a": [(1, "10.0.0.1", "10.0.0.2", "udp", 1, 2)]})
        assert answers["a"]["asked"]["probes"] == [[1, "10.0.0.1", "10.0.0.2", "udp", 1, 2]]
        assert {name: (set(seen.seen), set(seen.delivered)) for name, seen in crew.collect().items()} == {
            "a": ({1}, {2}),
            "b": ({1}, {2}),
        }
        assert crew.visit("b", {"do": "tls"}) == {"asked": {"do": "tls"}}
        crew.flush(["a"])
        assert crew.dead == {"a": "its tracked connections cannot be cleared: no conntrack"}


@pytest.mark.usefixtures("fake_podman")
def test_a_member_that_is_gone() -> None:
    with PodmanCrew("lab-", ["gone"], ["tcp"]) as crew:
        assert "no such container" in crew.dead["gone"]
        assert crew.visit("gone", {"do": "tls"})["error"] == crew.dead["gone"]
        assert crew.collect() == {}


@pytest.mark.usefixtures("fake_podman")
def test_a_member_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    with PodmanCrew("lab-", ["silent"], ["tcp"]) as crew:
        monkeypatch.setattr(crew, "_patience", 0.1)
        assert crew.collect() == {}
        assert crew.dead["silent"] == "its agent does not answer"


def run_main(tmp_path: Path, inventory: t.Any, *arguments: str) -> int:
    path = tmp_path / "inventory.json"
    path.write_text(json.dumps(inventory))
    return main(["--inventory-json", str(path), "--containers-prefix", "lab-", *arguments])


def test_what_cannot_be_tried_ends_with_2(
    tmp_path: Path, inventory: dict[str, t.Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_main(tmp_path, inventory) == 2
    assert "podman is missing" in capsys.readouterr().err
    inventory["wac_servers"]["hosts"] = []
    assert run_main(tmp_path, inventory) == 2
    assert "cannot be proven in this lab:\n  wac_content" in capsys.readouterr().err
    inventory["_meta"]["hostvars"]["node1"]["port_matrix_addresses"] = ["nowhere"]
    assert run_main(tmp_path, inventory) == 2
    assert "node1: 'nowhere' is not an address" in capsys.readouterr().err
    for arguments in (["--set", "port_matrix_ports"], ["--no-such-option"]):
        with pytest.raises(SystemExit, match="2"):
            run_main(tmp_path, inventory, *arguments)


@pytest.mark.usefixtures("fake_podman")
def test_what_is_not_proven_ends_with_1(
    tmp_path: Path, inventory: dict[str, t.Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packet_proof.run.LOOKS", 0)
    monkeypatch.setattr("packet_proof.run.POLL", 0)
    out = tmp_path / "out.json"
    assert run_main(tmp_path, inventory, "--strict", "--json", str(out)) == 1
    assert json.loads(out.read_text())["proven"] is False
    assert "NOT proven" in capsys.readouterr().out
