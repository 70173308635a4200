# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.junit import junit_xml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._probes.results import Results
from hypothesis import given
from hypothesis import strategies as st
from probe_result import result

TIME = "2026-01-02T03:04:05Z"


def test_a_suite_for_each_row_and_a_case_for_each_probe() -> None:
    accepted, failing = result("refused", accepted=True), result("filtered")
    probes = (result("open"), accepted, failing, result("error"), result("not_probeable", "media_to_nodes"))
    document = ElementTree.fromstring(junit_xml(Results(probes), TIME))
    assert document.attrib == {
        "name": "port_matrix_verify", "tests": "5", "failures": "1", "errors": "1", "skipped": "2",
    }  # fmt: skip
    assert [suite.attrib for suite in document] == [
        {"name": "sip_signaling", "timestamp": TIME, "tests": "4", "failures": "1", "errors": "1", "skipped": "1"},
        {"name": "media_to_nodes", "timestamp": TIME, "tests": "1", "failures": "0", "errors": "0", "skipped": "1"},
    ]
    found = [(child.tag, child.get("message") or child.text) for case in document.iter("testcase") for child in case]
    assert found == [
        ("system-out", "why"), ("skipped", "refused: why"), ("failure", "filtered: why"), ("error", "error: why"),
        ("skipped", "not_probeable: why"),
    ]  # fmt: skip
    case = next(document.iter("testcase"))
    assert case.get("classname") == "sip_signaling"
    assert case.get("name") == "fe1 (198.51.100.21) port 50001 to node1 (192.0.2.11) port 5061 tcp ipv4"


@given(st.text(), st.text(), st.sampled_from(["open", "refused", "error"]))
def test_whatever_hosts_say_the_document_is_well_formed_and_has_one_case(name: str, detail: str, verdict: str) -> None:
    hostile = result(verdict, source_host=name, detail=detail)
    document = ElementTree.fromstring(junit_xml(Results((hostile,)), TIME).encode("utf-8"))
    assert len(list(document.iter("testcase"))) == 1
    assert len(list(document.iter())) == 4


def test_markup_in_a_name_stays_text() -> None:
    hostile = result("refused", source_host='"><script>&', detail="]]>\x00\x1b[31m\ud800<x/>")
    text = junit_xml(Results((hostile,)), TIME)
    document = ElementTree.fromstring(text.encode("utf-8"))
    assert "<script>" not in text
    assert document.find(".//failure").get("message") == "refused: ]]>\ufffd\ufffd[31m\ufffd<x/>"  # type: ignore[union-attr]
