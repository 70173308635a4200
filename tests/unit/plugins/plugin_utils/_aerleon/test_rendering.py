# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What aerleon writes for each platform, read back; and what is not given to it, because it would write something else.

``pytest --update-golden`` writes ``tests/golden_aerleon/`` anew.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import typing as t
from pathlib import Path

import pytest
from aerleon import api
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon import rendering
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.files import names_of_files
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.platforms import PLATFORMS, read_platforms
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.policy import Policy
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._aerleon.rendering import Configuration, render
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.files import Rendered, render_report
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from example_site import HOSTILE, HOSTILE_TEXTS, NTP, NTP_SERVER, example_site, hostile_site
from hypothesis import Phase, given, settings
from other_firewalls import READERS, boundaries, cells, every_protocol, permissions_of, policy_of
from random_sites import Case, cases

GOLDEN = Path(__file__).parents[4] / "golden_aerleon"
EVERYTHING = policy_of(every_protocol())


def _configuration(policy: Policy, platform: str, **options: str) -> Configuration:
    return render(policy, *read_platforms([platform], {platform: options}))


def _rendered(**arguments: t.Any) -> Rendered:
    return render_report(**{"site": example_site(), "formats": ["json"], **arguments})


@pytest.mark.parametrize("name", READERS)
def test_a_configuration_permits_just_what_the_rules_permit(name: str) -> None:
    configuration = _configuration(EVERYTHING, name)
    expressed = [rule for rule, _term in EVERYTHING.terms if PLATFORMS[name].expresses(rule)]
    assert set(READERS[name](configuration.text)) == permissions_of(expressed)
    assert len(configuration.missing) == len(EVERYTHING.terms) - len(expressed)


@given(cases())
@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@pytest.mark.parametrize("name", ["ciscoasa", "fortigate", "junipersrx", "paloalto"])
def test_so_does_that_of_any_site(name: str, case: Case) -> None:
    policy = policy_of(case.core)
    expressed = [rule for rule, _term in policy.terms if PLATFORMS[name].expresses(rule)]
    found = list(READERS[name](_configuration(policy, name).text) if expressed else ())
    wanted = permissions_of(expressed)
    ends = boundaries([*found, *wanted])
    # The same addresses and ports, cut in whatever way.
    is_same = cells(found, ends) == cells(wanted, ends)
    assert is_same


# What aerleon was found to leave out, or to open more than it is told. One that does so no more may have it back.
MISSING = {
    "azure_nsg": {"sctp", "gre", "icmpv6", "vrrp", "89", "254"},
    "ciscoasa": {"ipv6"},
    "fortigate": {"sctp", "esp", "ah", "gre", "icmp", "icmpv6", "vrrp", "89", "254"},
    "juniper": {"89", "254"},
    "junipersrx": {"89", "254"},
    "openconfig": {"89", "254"},
    "paloalto": {"vrrp", "89", "254"},
}


@pytest.mark.parametrize("name", PLATFORMS)
def test_what_a_platform_cannot_have_is_said_by_its_number(name: str) -> None:
    configuration = _configuration(EVERYTHING, name)
    without = MISSING.get(name, set())
    missing = [term["name"] for rule, term in EVERYTHING.terms if rule.protocol in without or rule.family in without]
    assert list(configuration.missing) == missing
    said = " ".join(configuration.said())
    assert ("cannot write" in said or "it cannot have" in said) == bool(missing)
    assert all(number in said for number in missing[:20])
    assert ("it has no state" in said) == (not PLATFORMS[name].is_stateful)


@pytest.mark.parametrize("name", PLATFORMS)
def test_configurations_are_the_golden_ones(name: str, request: pytest.FixtureRequest) -> None:
    site = example_site([{**NTP, "owner": "UC team", "expires": "2027-03-31"}], endpoints=NTP_SERVER)
    written = _rendered(site=site, platforms=[name]).files
    files = {file: str(text) for file, text in written.items() if file != "port-matrix.json"}
    assert len(files) == 3
    if request.config.getoption("--update-golden"):
        GOLDEN.mkdir(exist_ok=True)
        for file, text in files.items():
            (GOLDEN / file).write_text(text, encoding="utf-8")
    for file, text in files.items():
        assert text == (GOLDEN / file).read_text(encoding="utf-8"), f"{file}: look at the difference"


def test_every_golden_file_belongs_to_a_test() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(names_of_files("port-matrix"))


def test_a_row_that_has_expired_is_open_there_too() -> None:
    site = example_site([{**NTP, "expires": "2020-01-01"}], endpoints=NTP_SERVER)
    policy = policy_of(site)
    assert policy.terms[-1][1]["expiration"] == "2020-01-01"
    assert "until 2020-01-01" in _configuration(policy, "ciscoasa").text


def test_options_are_what_the_configuration_is_told() -> None:
    assert "access-list OUTSIDE extended permit" in _configuration(EVERYTHING, "ciscoasa", name="OUTSIDE").text
    assert "ipv6 access-list voice-6" in _configuration(EVERYTHING, "cisco", name="voice").text
    zones = _configuration(EVERYTHING, "junipersrx", from_zone="dmz", to_zone="lan").text
    assert "from-zone dmz to-zone lan {" in zones
    assert "<member>dmz</member>" in _configuration(EVERYTHING, "paloalto", from_zone="dmz").text
    assert 'set srcintf "port1"' in _configuration(EVERYTHING, "fortigate", from_zone="port1").text


@pytest.mark.parametrize("name", PLATFORMS)
def test_no_text_ends_a_comment_a_string_or_a_line(name: str) -> None:
    harmless = _configuration(policy_of(hostile_site("harmless", "nobody")), name).text
    for text in ('*/ } x"; accept', "".join(text for text, _name in HOSTILE[:6]), "".join(HOSTILE_TEXTS[6:])):
        hostile = _configuration(policy_of(hostile_site(text, text)), name).text
        for mark in ("*/", *"\"'{};<>|`$&#[]"):
            assert hostile.count(mark) == harmless.count(mark)
        assert hostile.isascii()


def test_what_aerleon_does_not_write_as_it_is_told_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    before = logging.getLogger("absl").handlers

    def warned(*_arguments: object) -> dict[str, str]:
        logging.getLogger("absl").warning("Term %s will\nnot be rendered", "x")
        return {"pexip": "all but x"}

    monkeypatch.setattr(api, "Generate", warned)
    with pytest.raises(PortMatrixError) as caught:
        _configuration(EVERYTHING, "cisco")
    assert str(caught.value) == (
        "port_matrix_report_platforms cisco: aerleon does not write all of it: Term x will not be rendered; "
        "accepted: other platforms, or the rows in port_matrix_disabled_rows"
    )
    assert logging.getLogger("absl").handlers is before

    def broken(*_arguments: object) -> dict[str, str]:
        raise RuntimeError("no\nway")

    monkeypatch.setattr(api, "Generate", broken)
    with pytest.raises(PortMatrixError, match="aerleon does not write all of it: no way;"):
        _configuration(EVERYTHING, "cisco")


def test_without_aerleon_there_is_what_it_would_be_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "api", None)
    rendered = _rendered(platforms=["ciscoasa", "paloalto"])
    assert list(rendered.files) == [
        "port-matrix.json", "port-matrix-aerleon-definitions.yaml", "port-matrix-aerleon-policy.yaml",
    ]  # fmt: skip
    (said,) = rendered.warnings
    assert said.startswith(
        "The configuration of ciscoasa, paloalto is not written, as the Python library aerleon is missing"
    )
    assert "-m pip install aerleon" in said
    assert rendered.text()[-1] == said
    assert "port-matrix-ciscoasa.txt" in rendered.outdated


def test_a_group_of_azure_needs_no_aerleon(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _rendered(platforms=["azure_nsg", "ciscoasa"]).files["port-matrix-azure_nsg.json"]
    monkeypatch.setattr(rendering, "api", None)
    rendered = _rendered(platforms=["azure_nsg", "ciscoasa"])
    assert rendered.files["port-matrix-azure_nsg.json"] == whole
    (said,) = [line for line in rendered.warnings if "missing" in line]
    assert said.startswith("The configuration of ciscoasa is not written")


def test_a_group_of_one_host_has_one_direction_for_each_rule() -> None:
    rendered = _rendered(platforms=["azure_nsg"], scope="host:turn1")
    (group,) = json.loads(str(rendered.files["port-matrix-host-turn1-azure_nsg.json"]))["resources"]
    assert group["name"] == "pexip-sfb"
    assert [(rule["name"], rule["properties"]["direction"]) for rule in group["properties"]["securityRules"]] == [
        ("R8M2AM7-udp-4-in", "Inbound")
    ]


@pytest.mark.parametrize(
    ("networks", "problem"),
    [
        (
            [f"10.{number // 125}.{number % 125 * 2}.1" for number in range(2001)],
            "4,002 destination addresses, and can have 4,000",
        ),
        ([], "1,002 rules, and can have 1,000"),
    ],
)
def test_more_than_a_group_of_azure_can_have_is_refused(networks: list[str], problem: str) -> None:
    row = {"source": "turn_server", "destination": "wac_server", "protocols": "tcp", "destination_ports": 80}
    rows = [{**row, "id": f"own_{number}"} for number in range(1 if networks else 501)]
    hosts = {"wac1": {"port_matrix_addresses": networks}} if networks else {}
    site = example_site(rows, hostvars=hosts, disabled=["wac_content"])
    with pytest.raises(PortMatrixError, match=problem):
        _rendered(site=site, platforms=["azure_nsg"], scope="pair:turn_server:wac_server")


def test_files_of_platforms_that_are_chosen_no_more_are_outdated() -> None:
    rendered = _rendered(platforms=["ciscoasa"])
    assert "port-matrix-ciscoasa.txt" in rendered.files
    assert set(rendered.outdated) == set(names_of_files("port-matrix")) - set(rendered.files)
    assert set(_rendered().outdated) == set(names_of_files("port-matrix"))
    assert json.loads(str(rendered.files["port-matrix.json"]))["version"] == 1


def test_a_platform_that_can_have_no_rule_has_no_file() -> None:
    row = {"id": "esp", "source": "conferencing_node", "destination": "front_end", "protocols": "esp"}
    groups = {"pexip_conferencing_nodes": ["node1"], "sfb_front_ends": ["fe1"]}
    disabled = [rule.row for rule, _term in EVERYTHING.terms if not rule.row.startswith("own_")]
    site = example_site([row], disabled=sorted(set(disabled) - {"ntp", "mesh"}), groups=groups)
    rendered = _rendered(site=site, platforms=["fortigate"])
    assert "port-matrix-fortigate.txt" in rendered.outdated
    assert len(rendered.warnings) == 1


def test_a_missing_library_does_not_keep_the_filter_from_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aerleon", None)
    # Without the path hooks: those of ansible-test take a file for a folder.
    spec = importlib.util.spec_from_file_location(rendering.__name__, rendering.__file__)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    assert loaded.api is None
