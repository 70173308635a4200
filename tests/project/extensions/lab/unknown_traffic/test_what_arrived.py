# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traffic that a site lacks: what is said of what arrived, and packets through the loopback of a namespace."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from unknown_traffic import agent
from unknown_traffic.__main__ import KINDS, Sender, main


def test_each_kind_says_how_much_of_it_arrived() -> None:
    scan = Sender("scan", "fe1", ("192.0.2.1",))
    assert " ".join(scan.line(set()).split()) == "a scan of 39 ports from 192.0.2.1 0 of 39 arrived"
    media = Sender("media", "fe1", ("192.0.2.1", "192.0.2.2"))
    line = " ".join(media.line(set(media.packets())).split())
    assert line == "media to 20 ports from 192.0.2.1 to 192.0.2.2 40 of 40 arrived"


def test_a_kind_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--containers-prefix", "x-", "--to", "node1=192.0.2.1", "voice=fe1=192.0.2.2"])
    assert "'voice' is not a kind of traffic; accepted: scan, esp, monitoring, media" in capsys.readouterr().err


def test_what_is_sent_is_seen_and_who_waits_for_it_ends() -> None:
    packets = [packet for kind in KINDS.values() for packet in kind.packets("127.0.0.1")]
    order = json.dumps({"destination": "127.0.0.1", "packets": packets})
    program = [sys.executable, agent.__file__]
    watch = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *program, "watch", order]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout
        assert watching.stdout.readline() == "ready\n"
        inside = ["nsenter", "--net", "--target", str(watching.pid)]
        subprocess.run([*inside, *program, "send", order], check=True)
        seen = json.loads(watching.stdout.read())
    assert {tuple(packet) for packet in seen} >= set(packets)
