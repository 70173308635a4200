# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a verification as JUnit XML, which CI systems read."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from .results import Results, probe_name

# What XML 1.0 has no way to write, not even escaped. Certificates and messages of hosts can hold anything.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = ("tests", "failures", "errors", "skipped")
_ELEMENT = {"refused": "failure", "filtered": "failure", "error": "error", "not_probeable": "skipped"}


def junit_xml(results: Results, generated: str) -> str:
    """Return a document with a test suite for each row and a test case for each probe. What is accepted is skipped."""
    suites = Element("testsuites", {"name": "port_matrix_verify"})
    by_row: dict[str, list[Mapping[str, t.Any]]] = {}
    for probe in results.probes:
        by_row.setdefault(probe["row"], []).append(probe)
    totals = [_suite(suites, row, probes, generated) for row, probes in by_row.items()]
    suites.attrib.update({key: str(sum(total[key] for total in totals)) for key in _COUNTED})
    return f"<?xml version='1.0' encoding='utf-8'?>\n{tostring(suites, encoding='unicode')}\n"


def _suite(parent: Element, row: str, probes: Sequence[Mapping[str, t.Any]], generated: str) -> dict[str, int]:
    suite = SubElement(parent, "testsuite", {"name": _clean(row), "timestamp": _clean(generated)})
    total = dict.fromkeys(_COUNTED, 0)
    for probe in probes:
        case = SubElement(suite, "testcase", {"classname": _clean(row), "name": _clean(probe_name(probe))})
        element = "skipped" if probe["accepted"] else _ELEMENT.get(probe["verdict"])
        total["tests"] += 1
        if element:
            total[{"failure": "failures", "error": "errors"}.get(element, element)] += 1
            message = f"{probe['verdict']}: {probe['detail']}"
            SubElement(case, element, {"message": _clean(message)})
        else:
            SubElement(case, "system-out").text = _clean(str(probe["detail"]))
    suite.attrib.update({key: str(count) for key, count in total.items()})
    return total


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
