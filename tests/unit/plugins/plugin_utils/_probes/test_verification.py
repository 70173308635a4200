# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.verification import read_verification
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError

PROBE: dict[str, t.Any] = {"row": "sip_signaling", "verdict": "open", "destination_port": 5061}


def test_probes_that_failed_come_first_and_are_counted() -> None:
    probes = [{**PROBE, "verdict": verdict} for verdict in ("open", "filtered", "open", "refused")]
    verification = read_verification({"version": 1, "generated": "now", "probes": probes, "summary": {"open": 2}}, "v")
    assert [probe.verdict for probe in verification.probes] == ["refused", "filtered", "open", "open"]
    assert verification.counts() == {"refused": 1, "filtered": 1, "open": 2}
    assert verification.generated == "now"
    assert (verification.probes[0].source_port, verification.probes[0].destination_port) == (None, 5061)


def test_what_is_accepted_has_not_failed() -> None:
    probes = [{**PROBE, "verdict": "filtered", "accepted": accepted} for accepted in (True, False)]
    verification = read_verification({"version": 1, "probes": probes}, "v")
    assert [(probe.verdict, probe.failed) for probe in verification.probes] == [("filtered", True), ("filtered", False)]


@pytest.mark.parametrize(
    ("certificate", "text"),
    [
        (None, ""),
        ({}, "no name"),
        ({"names": ["a", "b"]}, "a, b"),
        ({"names": ["a"], "expires": "2027-01-01"}, "a; expires 2027-01-01"),
    ],
)
def test_a_certificate_is_said_in_words(certificate: object, text: str) -> None:
    (probe,) = read_verification({"version": 1, "probes": [{**PROBE, "certificate": certificate}]}, "v").probes
    assert probe.certificate == text


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "v: [] is not a mapping"),
        ("{", "v: is not JSON (Expecting property name"),
        ({}, "v: has the version None; accepted: 1"),
        ({"version": 1}, "v probes: None is not a list"),
        ({"version": 1, "probes": [5]}, "v probes: 5 is not a mapping"),
        ({"version": 1, "probes": [{**PROBE, "verdict": "maybe"}]}, "v probes verdict: unknown value 'maybe'"),
        ({"version": 1, "probes": [{**PROBE, "detail": True}]}, "v probes detail: True is not a string"),
        ({"version": 1, "probes": [{**PROBE, "source_port": "x"}]}, "v probes source_port: 'x' is not a port"),
        ({"version": 1, "probes": [{**PROBE, "source_port": True}]}, "v probes source_port: True is not a port"),
        ({"version": 1, "probes": [{**PROBE, "certificate": "x"}]}, "v probes certificate: 'x' is not a mapping"),
    ],
)
def test_what_is_no_verification_is_an_error(document: object, message: str) -> None:
    with pytest.raises(PortMatrixError) as caught:
        read_verification(document, "v")
    assert str(caught.value).startswith(message)
