# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Topologies in both forms and all encodings: who is who, what is missing, and files that are none."""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology import document
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.document import parse_xml, read_bytes
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.hosts import find_hosts
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sfb_topology.topology import read_topology
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.found import Found
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._sources.names import NameBook
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from hypothesis import given
from hypothesis import strategies as st
from known_systems import (
    EVERYWHERE,
    Expected,
    Interface,
    PoolOf,
    PortOf,
    ServiceOf,
    builder_file,
    edge_services,
    front_end_services,
    published,
    random_topologies,
)

SITES = {1: "Redmond", 2: "Oslo"}
FORMS = pytest.mark.parametrize("write", [builder_file, published])
FRONT_END = PoolOf("fe.example", 1, {"fe.example": EVERYWHERE}, front_end_services())
OF_FRONT_END = {"fe.example": ["10.1.0.21"]}


def found(text: str, addresses: dict[str, list[str]] | None = None, encoding: str = "utf-8", **more: t.Any) -> Found:
    book = NameBook(addresses)
    everything = find_hosts(read_topology(parse_xml(text.encode(encoding), "t.xml"), "t.xml"), book, **more)
    book.check_all_used()
    return everything


def edge(outside: tuple[Interface, ...], numbers: tuple[int, int, int] = (1, 1, 1)) -> PoolOf:
    inside = Interface("Internal", 1, "10.1.0.31")
    return PoolOf("edge.example", 1, {"edge.example": (inside, *outside)}, edge_services(numbers, 444, 50000, 10000))


@given(
    random_topologies(),
    st.sampled_from([builder_file, published]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
)
def test_a_random_topology_reads_back(
    made: tuple[list[PoolOf], dict[str, list[str]], dict[str, Expected], dict[str, list[str]]],
    write: t.Callable[..., str], encoding: str,
) -> None:  # fmt: skip
    pools, addresses, expected, ports = made
    result = found(write(pools, SITES), addresses, encoding)
    assert {host.name: Expected(set(host.groups), without_facts(host.variables())) for host in result.hosts} == expected
    assert result.ports == ports


def without_facts(variables: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in variables.items() if name.startswith("port_matrix_")}


@FORMS
def test_each_host_has_its_pool_and_site(write: t.Callable[..., str]) -> None:
    (host,) = found(write([FRONT_END], SITES), OF_FRONT_END).hosts
    assert host.facts == {"sfb_pool": "fe.example", "sfb_site": "Redmond"}
    assert host.record == "topology"


def test_big_endian_text_without_a_mark_is_read() -> None:
    text = published([FRONT_END], SITES)
    assert found(text, OF_FRONT_END, "utf-16-be").hosts == found(text, OF_FRONT_END).hosts


def test_a_declaration_of_another_encoding_does_not_matter() -> None:
    text = builder_file([FRONT_END], SITES).replace('encoding="utf-8"', 'encoding="utf-16"')
    assert found(text, OF_FRONT_END).hosts


def test_a_machine_of_two_pools_is_in_the_groups_of_both() -> None:
    office = PoolOf("oos.example", 2, {"oos.example": ()}, (ServiceOf("WacService", discovery="https://fe.example/x"),))
    (host,) = found(published([FRONT_END, office], SITES), OF_FRONT_END).hosts
    assert host.groups == ("sfb_front_ends", "wac_servers")


def test_the_roles_of_a_pool_say_in_which_group_its_machines_are() -> None:
    pools = [
        PoolOf(f"{name}.example", 1, {f"{name}.example": (Interface("Primary", 1, f"10.1.0.{number}"),)}, services)
        for number, name, services in (
            (31, "med", (ServiceOf("MediationServer"),)),
            (32, "sba", (ServiceOf("Registrar"),)),
            (33, "chat", (ServiceOf("PersistentChat"),)),
            (34, "dir", (ServiceOf("Registrar", director=True),)),
        )
    ]
    hosts = found(published(pools, SITES)).hosts
    assert {host.name: host.groups for host in hosts} == {
        "dir.example": ("sfb_directors",),
        "med.example": ("sfb_servers",),
        "sba.example": ("sfb_servers",),
    }


def test_sites_are_a_filter() -> None:
    other = PoolOf("sba.example", 2, {"sba.example": (Interface("Primary", 1, "10.1.0.9"),)}, (ServiceOf("Registrar"),))
    text = published([FRONT_END, other], SITES)
    assert [host.name for host in found(text, wanted=["Oslo"]).hosts] == ["sba.example"]
    with pytest.raises(PortMatrixError, match=r"^locations: no site is called 'Olso'; accepted: Oslo, Redmond$"):
        found(text, wanted=["Olso"])


def test_a_site_without_a_name_is_called_by_its_number() -> None:
    (host,) = found(published([FRONT_END], {}), OF_FRONT_END).hosts
    assert host.facts["sfb_site"] == "site 1"


def test_a_trusted_application_pool_gives_no_hosts() -> None:
    nodes = PoolOf(
        "pexip.example", 1, {"n2.example": EVERYWHERE, "n1.example": EVERYWHERE}, (ServiceOf("ExternalServer"),)
    )
    result = found(builder_file([FRONT_END, nodes], SITES), OF_FRONT_END)
    assert [host.name for host in result.hosts] == ["fe.example"]
    assert result.facts["sfb_trusted_application_pools"] == {"pexip.example": ["n1.example", "n2.example"]}


def test_what_has_no_address_is_named_in_one_error() -> None:
    office = PoolOf("oos.example", 1, {"oos.example": ()}, (ServiceOf("WacService", discovery="https://web.example/"),))
    with pytest.raises(
        PortMatrixError, match=r"^The topology has no addresses for fe\.example, web\.example; accepted: addr"
    ):
        found(published([FRONT_END, office], SITES))


def test_a_misspelt_name_is_an_error() -> None:
    with pytest.raises(PortMatrixError, match=r"nothing is looked up by the name 'ef\.example'; accepted: fe\.example"):
        found(published([FRONT_END], SITES), {**OF_FRONT_END, "ef.example": ["10.1.0.22"]})


def test_an_edge_whose_internal_address_is_left_open_is_looked_up() -> None:
    pool = edge((Interface("External", 1, "203.0.113.1"),))
    open_pool = pool._replace(
        machines={"edge.example": (Interface("Internal", 1, "0.0.0.0"), Interface("External", 1, "203.0.113.1"))}
    )
    (host,) = found(published([open_pool], SITES), {"edge.example": ["10.1.0.33"]}).hosts
    assert host.interfaces["internal"] == ("10.1.0.33",)


@pytest.mark.parametrize(
    "outside", [(), (Interface("External", 1, "0.0.0.0"),), (Interface("External", 2, "203.0.113.1"),)]
)
def test_an_edge_without_an_external_address_is_an_error(outside: tuple[Interface, ...]) -> None:
    with pytest.raises(
        PortMatrixError, match=r"^Edge 'edge\.example' access_edge: the topology has no address of its ext"
    ):
        found(published([edge(outside)], SITES))


def test_edges_with_different_media_ports_are_a_warning() -> None:
    one, other = edge((Interface("External", 1, "203.0.113.1"),)), edge((Interface("External", 1, "203.0.113.2"),))
    other = PoolOf(
        "edge2.example", 1, {"edge2.example": other.machines["edge.example"]}, edge_services((1, 1, 1), 444, 30000, 500)
    )
    result = found(published([one, other], SITES))
    assert result.ports["edge_media"] == ["30000-30499", "50000-59999"]
    assert result.warnings == (
        "Edge pools have the media ports 30000-30499 and 50000-59999, "
        "and the range edge_media has all of them for each",
    )


def test_office_over_http_has_its_port() -> None:
    office = PoolOf("oos.example", 1, {"oos.example": ()}, (ServiceOf("WacService", discovery="http://10.1.0.51/"),))
    result = found(published([office], SITES))
    assert result.hosts[0].addresses == ("10.1.0.51",)
    assert result.ports["https"] == ["80"]


@pytest.mark.parametrize("url", ["oos.example", "https://", "ftp://oos.example/", "https://oos.example:x/"])
def test_an_office_address_that_is_none_is_an_error(url: str) -> None:
    office = PoolOf("oos.example", 1, {"oos.example": ()}, (ServiceOf("WacService", discovery=url),))
    with pytest.raises(PortMatrixError, match=r"^WacService of 'oos\.example' DiscoveryUrl: .* is not a URL"):
        found(published([office], SITES))


@pytest.mark.parametrize(
    ("written", "wrong", "message"),
    [
        ('Fqdn="fe.example"', 'Fqdn=""', "a Cluster Fqdn: is empty"),
        ('Fqdn="fe.example"', 'Fqdn="{{ x }}"', "holds what Ansible takes for a template"),
        ('Port="8057"', 'Port="0"', "DataConf PsomClient Port: '0' is not a number of ports; accepted: 1-65535"),
        ('Port="8057"', "", "ConfServices DataConf PsomClient Port: '' is not a number of ports"),
        ('Range="16383"', 'Range="16385"', "MediaComp AppSharingCommunication: 16385 ports from 49152 on end above"),
        ('IPAddress="0.0.0.0"', 'IPAddress="fe"', "Machine 'fe.example' IPAddress: 'fe' is a host name"),
    ],
)  # fmt: skip
def test_what_is_needed_is_read_strictly(written: str, wrong: str, message: str) -> None:
    text = published([FRONT_END], SITES)
    assert written in text
    with pytest.raises(PortMatrixError) as raised:
        found(text.replace(written, wrong), OF_FRONT_END)
    assert message in str(raised.value)


def test_several_machines_need_names() -> None:
    pool = PoolOf("fe.example", 1, {"": EVERYWHERE, "fe2.example": EVERYWHERE}, front_end_services())
    with pytest.raises(PortMatrixError, match="has several machines, and not all have an Fqdn"):
        found(published([pool], SITES))


def test_a_cluster_without_identity_is_no_pool() -> None:
    text = published([FRONT_END], SITES).replace("<ClusterId", "<Other")
    text = text.replace("</ClusterId", "</Other")
    with pytest.raises(PortMatrixError, match=r"^t\.xml: has no pool"):
        found(text)


@pytest.mark.parametrize(
    "text",
    [
        "<html/>", "<Topology/>", '<Topology xmlns="urn:other"/>',
        '<Other xmlns="urn:schema:Microsoft.Rtc.Management.Deploy.X"/>',
    ],
)  # fmt: skip
def test_other_xml_is_refused(text: str) -> None:
    with pytest.raises(
        PortMatrixError,
        match=r"^t\.xml: is XML with the root element '.*', which is not a topology; accepted: a file of",
    ):
        found(text)


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(f'<!ENTITY a{n} "{"&a;" * 10}">' for n in range(9)) + "]><x>&a8;</x>"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (LAUGHS.encode(), "has a document type, and a topology has none"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "has a document type"),
        (b'<!DOCTYPE x SYSTEM "https://elsewhere.example/x.dtd"><x/>', "has a document type"),
        (b"<x>" * 101, "has more than 200000 elements, or more than 100 within each other"),
        (b"<x>" + b"<y/>" * 200_001, "has more than 200000 elements"),
        (b"<x>", "is not XML (no element found"),
        (b"", "is not XML (no element found"),
        (b"\xff\xfe\0", "is not XML ("),
        (b"\xe9", "is not XML ("),
        (b"PK\x03\x04...", "is a ZIP, such as Export-CsConfiguration makes"),
    ],
)
def test_a_hostile_file_is_refused_in_a_sentence(data: bytes, message: str) -> None:
    with pytest.raises(PortMatrixError) as raised:
        parse_xml(data, "t.xml")
    text = str(raised.value)
    assert text.startswith(f"t.xml: {message}")
    assert text.endswith("; accepted: a file of Topology Builder (.tbxml), or the output of Get-CsTopology -AsXml")
    assert len(text.splitlines()) == 1


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(PortMatrixError, match="is larger than 16 MiB"):
        read_bytes(str(path))


def test_a_file_without_an_end_is_not_read() -> None:
    with pytest.raises(PortMatrixError, match=r"^/dev/zero: is larger than 16 MiB"):
        read_bytes("/dev/zero")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PortMatrixError, match="cannot be read: No such file"):
        read_bytes(str(tmp_path / "none.xml"))


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_bytes(b"<x/>")
    assert read_bytes(str(tmp_path / "t.xml")) == b"<x/>"


def test_without_its_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "DefusedXMLParser", None)
    with pytest.raises(
        PortMatrixError, match=r"defusedxml, which reads it, is missing on the controller; .* -m pip install defusedxml"
    ):
        parse_xml(b"<x/>", "t.xml")


def test_a_missing_library_does_not_keep_the_plugin_from_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "defusedxml.common", None)
    # Without the path hooks: those of ansible-test take a file for a folder.
    spec = importlib.util.spec_from_file_location(document.__name__, document.__file__)
    assert spec
    assert spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    assert loaded.DefusedXMLParser is None


def test_a_port_with_another_side_is_in_no_range() -> None:
    pool = FRONT_END._replace(services=(ServiceOf("Registrar", (PortOf("DataConf", "PsomClient", "External", 1, 1),)),))
    assert found(published([pool], SITES), OF_FRONT_END).ports == {}
