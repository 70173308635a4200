# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both inventory plugins as users run them: a Management Node over real HTTPS, files of topologies, and Ansible.

The Management Node is the lab's stand-in, with certificates of an authority that is made for the test. Each fault that
it has on demand ends in a message that says what is wrong, and in an inventory without any of its hosts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pages
import pytest
import trustme
import warm_ansible
import yaml
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.https import Https
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.client import Client
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._pexip_api.oauth import basic
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from known_systems import (
    EVERYWHERE,
    Interface,
    PoolOf,
    ServiceOf,
    builder_file,
    edge_services,
    front_end_services,
    location,
    platform,
    published,
    uri,
    worker,
)
from management_node.api import FAULTS, ManagementNode
from management_node.server import context, running

TOP = Path(__file__).parents[2]
PASSWORD = "correct-horse-battery"
SECRETS = (PASSWORD, "aW52ZW50b3J5OmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ", "token-of-the-stand-in", "secret-of-", "PRIVATE KEY")
Inventory = dict[str, t.Any]

RESOURCES = platform(
    system_location=[
        location(1, "London DMZ", turn_server=uri("turn_server", 1), mssip_proxy=uri("mssip_proxy", 1),
                 transcoding_location=uri("system_location", 2), dns_servers=[{"id": 1, "address": "10.1.0.53"}]),
        location(2, "Core"),
    ],
    worker_vm=[
        worker(1, "edge1", 1, "192.0.2.11", node_type="PROXYING", secondary_address="192.0.2.21",
               static_nat_address="203.0.113.21", alternative_fqdn="edge1.vc.example"),
        worker(2, "edge2", 1, "192.0.2.12", node_type="PROXYING", secondary_address="192.0.2.22",
               static_nat_address="203.0.113.22", alternative_fqdn="edge2.vc.example"),
        worker(3, "core1", 2, "10.1.0.11"),
    ],
    turn_server=[{"id": 1, "name": "turn1", "address": "198.51.100.41", "port": 3478, "transport_type": "udp",
                  "password": "secret-of-turn"}],
    mssip_proxy=[{"id": 1, "name": "Front End", "address": "10.1.0.31", "port": 5061, "transport": "tls"}],
    dns_server=[{"id": 1, "address": "10.1.0.53"}],
)  # fmt: skip
INSIDE = Interface("Internal", 1, "10.1.0.41")
OFFICE = ServiceOf("WacService", discovery="https://oos.example/hosting/discovery/")
EXTERNAL = ServiceOf("ExternalServer")
POOLS = [
    PoolOf("pool.example", 1, {"fe1.example": EVERYWHERE, "fe2.example": EVERYWHERE}, front_end_services()),
    PoolOf(
        "avedge.example", 1,
        {"avedge.example": (INSIDE, Interface("External", 1, "198.51.100.131", "203.0.113.131"))},
        edge_services((1, 1, 1), 444, 50000, 10000),
    ),
    PoolOf("oos.example", 1, {"oos.example": ()}, (OFFICE,)),
    PoolOf("vc.example", 1, dict.fromkeys(("edge1.vc.example", "edge3.vc.example"), EVERYWHERE), (EXTERNAL,)),
]  # fmt: skip
NAMES = "addresses: {fe1.example: [10.1.0.31], fe2.example: [10.1.0.32], oos.example: [10.1.0.51]}\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_path(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificate") / "node.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


@pytest.fixture
def node(certificate: Path) -> Iterator[tuple[ManagementNode, str]]:
    """A Management Node with pages of two, and its address."""
    made = ManagementNode(RESOURCES, password=PASSWORD, most=2)
    with running(made, context(certificate)) as port:
        yield made, f"https://127.0.0.1:{port}"


class Run(t.NamedTuple):
    """What ansible-inventory made of some sources, and everything that it printed."""

    inventory: Inventory
    said: str

    def groups(self, host: str) -> set[str]:
        groups = self.inventory.items()
        return {name for name, group in groups if name != "_meta" and host in group.get("hosts", ())}

    def variables(self, host: str) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.inventory["_meta"]["hostvars"][host])


def ansible(
    command: t.Literal["inventory", "playbook"],
    arguments: Sequence[str | Path],
    environment: Mapping[str, str],
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command; of the environment, Ansible reads its own settings while it loads."""
    settings = {name: value for name, value in environment.items() if name.startswith("ANSIBLE_")}
    own = {name: value for name, value in environment.items() if name not in settings}
    everywhere = {**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000"}
    return warm_ansible.run(command, arguments, env=everywhere | settings, of_this_run=own, cwd=cwd)


def read(*sources: Path, verbose: bool = False, **environment: str) -> Run:
    done = ansible(
        "inventory",
        [*(x for source in sources for x in ("-i", source)), "--list", *(["-vvvv"] if verbose else [])],
        environment,
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout[done.stdout.index("{\n") :]
    # From 2.19 on, ansible-inventory marks what is from a plugin, as no templates in it are worked out.
    inventory = json.loads(text, object_hook=lambda found: found.get("__ansible_unsafe", found))
    return Run(inventory, done.stdout + done.stderr)


@pytest.fixture
def manager(node: tuple[ManagementNode, str], ca_path: Path, tmp_path: Path) -> Path:
    """A file with the options for the Management Node."""
    path = tmp_path / "manager.pexip_infinity.yml"
    path.write_text(
        f"plugin: uc_firewall.pexip_sfb.pexip_infinity\nurl: {node[1]}\nusername: inventory\nca_path: {ca_path}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    """A file with the options for a topology."""
    (tmp_path / "topology.tbxml").write_text(builder_file(POOLS, {1: "Redmond"}), encoding="utf-8-sig")
    path = tmp_path / "site.sfb_topology.yml"
    path.write_text(f"plugin: uc_firewall.pexip_sfb.sfb_topology\npath: topology.tbxml\n{NAMES}", encoding="utf-8")
    return path


def test_both_make_the_site_whichever_is_read_first(manager: Path, topology: Path) -> None:
    run, other = (read(*sources, PEXIP_PASSWORD=PASSWORD) for sources in ((manager, topology), (topology, manager)))
    assert without_times(run) == without_times(other)
    assert run.groups("edge1") == {"pexip_conferencing_nodes", "pexip_location_london_dmz"}
    assert run.variables("edge1")["port_matrix_interfaces"] == {
        "internode": ["192.0.2.11"],
        "media": [{"address": "192.0.2.21", "advertised": "203.0.113.21"}],
    }
    assert run.groups("core1") == {"pexip_transcoding_nodes", "pexip_location_core"}
    assert run.variables("core1")["port_matrix_addresses"] == ["10.1.0.11"]
    assert run.variables("core1")["port_matrix_location"] == ["Core", "London DMZ"]
    assert run.groups("manager") == {"pexip_management_nodes"}
    assert run.groups("turn1") == {"turn_servers"}
    assert run.groups("10.1.0.53") == {"dns_servers"}
    assert run.groups("fe2.example") == {"sfb_front_ends"}
    assert run.groups("oos.example") == {"wac_servers"}
    assert run.variables("avedge.example")["port_matrix_interfaces"]["av_edge"] == [
        {"address": "198.51.100.131", "advertised": "203.0.113.131"}
    ]
    assert run.variables("core1")["port_matrix_ports"] == {
        "media": ["40000-49999"], "signalling": ["33000-39999"], "turn": ["3478"],
        "edge_media": ["50000-59999"], "psom": ["444", "8057"], "https": ["443"],
    }  # fmt: skip
    # One machine under two names: what Pexip signals to is the first Front End.
    assert run.groups("fe1.example") == {"sfb_front_ends", "pexip_mssip_proxies"}
    assert "Front End" not in run.inventory["_meta"]["hostvars"]
    assert [(s["record"], s["name"]) for s in run.variables("fe1.example")["pexip_sfb_sources"]] == [
        ("mssip_proxy", "Front End"), ("topology", "fe1.example"),
    ]  # fmt: skip
    assert "the Management Node knows no such Conferencing Node" in run.said
    assert "Skype for Business does not trust 'edge2'" in run.said


def without_times(run: Run) -> Inventory:
    """What is in an inventory, but for when that was read, and the order in which groups came about."""
    text = json.dumps(run.inventory)
    for variables in run.inventory["_meta"]["hostvars"].values():
        for source in variables["pexip_sfb_sources"]:
            text = text.replace(source["read"], "")
    without: Inventory = json.loads(text)
    for group in without.values():
        for name in group.keys() & {"children", "hosts"}:
            group[name].sort()
    return without


def test_the_published_form_in_utf_16_makes_the_same(topology: Path) -> None:
    before = read(topology)
    (topology.parent / "topology.tbxml").write_bytes(published(POOLS, {1: "Redmond"}).encode("utf-16"))
    assert without_times(read(topology)) == without_times(before)


def own_key(path: Path) -> str:
    """Make a client's key, and write it into *path*; return its public half."""
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()


def test_a_token_does_as_well(node: tuple[ManagementNode, str], manager: Path, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    node[0].client_key = own_key(path)
    node[0].client_id = "client"
    text = manager.read_text(encoding="utf-8").replace("username: inventory", "client_id: client")
    manager.write_text(text + f"private_key: \"{{{{ lookup('file', '{path}') }}}}\"\n", encoding="utf-8")
    run = read(manager, verbose=True)
    assert run.groups("edge1")
    assert [method for method, _path in node[0].requests].count("POST") == 1
    assert not [secret for secret in (*SECRETS, path.read_text(encoding="utf-8").splitlines()[1]) if secret in run.said]


def test_only_get_is_sent(node: tuple[ManagementNode, str], manager: Path) -> None:
    read(manager, PEXIP_PASSWORD=PASSWORD)
    assert {method for method, _path in node[0].requests} == {"GET"}
    assert len([path for _method, path in node[0].requests if "worker_vm" in path]) == 2  # two pages


def test_the_cache_is_used_for_the_same_manager_only(
    node: tuple[ManagementNode, str], manager: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    text = manager.read_text(encoding="utf-8") + "cache: true\ncache_plugin: ansible.builtin.jsonfile\n"
    manager.write_text(text + f"cache_connection: {cache}\n", encoding="utf-8")
    first = read(manager, PEXIP_PASSWORD=PASSWORD)
    asked = len(node[0].requests)
    assert read(manager, PEXIP_PASSWORD=PASSWORD).inventory == first.inventory  # with the time when it was read
    assert len(node[0].requests) == asked
    kept = "".join(path.read_text(encoding="utf-8") for path in cache.iterdir())
    assert "192.0.2.11" in kept
    assert not [secret for secret in SECRETS if secret in kept]
    manager.write_text(manager.read_text(encoding="utf-8").replace("127.0.0.1", "127.0.0.2"), encoding="utf-8")
    other = read(manager, PEXIP_PASSWORD=PASSWORD)
    assert "https://127.0.0.2" in other.said
    assert "no answer" in other.said


def test_options_of_every_inventory(manager: Path) -> None:
    manager.write_text(
        manager.read_text(encoding="utf-8")
        + "password: \"{{ lookup('ansible.builtin.env', 'SECRET_OF_MINE') }}\"\n"
        + "locations: [Core]\nstrict: true\n"
        + "compose:\n  first: port_matrix_addresses[0]\n"
        + "groups:\n  behind: pexip_node_type | default('') == 'conferencing'\n"
        + "keyed_groups: [{prefix: type, key: pexip_node_type | default('none')}]\n",
        encoding="utf-8",
    )
    run = read(manager, SECRET_OF_MINE=PASSWORD)
    assert run.groups("core1") == {"behind", "pexip_transcoding_nodes", "pexip_location_core", "type_conferencing"}
    assert run.variables("core1")["first"] == "10.1.0.11"
    assert set(run.inventory["_meta"]["hostvars"]) == {"core1", "manager"}


def test_secrets_may_be_vaulted(manager: Path, tmp_path: Path) -> None:
    key = tmp_path / "vault-password"
    key.write_text("of the vault", encoding="utf-8")
    command = ["ansible-vault", "encrypt_string", "--vault-password-file", str(key), "--name", "password", PASSWORD]
    vaulted = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    manager.write_text(manager.read_text(encoding="utf-8") + vaulted, encoding="utf-8")
    run = read(manager, verbose=True, ANSIBLE_VAULT_PASSWORD_FILE=str(key))
    assert run.groups("edge1")
    assert not [secret for secret in SECRETS if secret in run.said]


def objects(address: str, ca_path: Path | None, timeout: float = 600, validate: bool = True) -> list[t.Any]:
    """What the client of the plugin has of the Management Node."""
    send = Https(timeout, validate, None if ca_path is None else str(ca_path))
    client = Client(address, send, lambda: basic("inventory", PASSWORD), lambda _seconds: None, lambda: 0.0)
    return client.objects("worker_vm")


FAULT_TEXTS = {
    "too_many_requests": "the answer is 429 (too many requests)",
    "error": "the answer is 500 (Internal Server Error)",
    "redirect": "the answer is 302 (a redirect, which is not followed",
    "cut": "the answer is cut off after",
    "cut_chunk": "no whole answer: ",
    "wrong_json": "answers with something other than a JSON object",
    "wrong_shape": "is not a list of the Management API",
    "slow": "the answer takes longer than the timeout of 1 s",
    "drip": "the answer takes longer than the timeout of 1 s",
    "endless": "lists more than the 3 that it says there are, without an end",
    "repeated": "twice. Was it changed meanwhile?",
    "elsewhere": "its next page is somewhere else, and is not requested",
    "short": "lists 3 of the 4 that it says there are",
    "huge": "the answer is larger than 32 MiB",
}


def test_every_fault_has_a_text() -> None:
    assert set(FAULT_TEXTS) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_said(fault: str, node: tuple[ManagementNode, str], ca_path: Path) -> None:
    node[0].fault, node[0].fault_page = fault, 1 if fault == "endless" else 2
    node[0].retry_after = "0"
    with pytest.raises(PortMatrixError) as raised:
        objects(node[1], ca_path, timeout=1 if fault in ("slow", "drip") else 600)
    assert FAULT_TEXTS[fault] in str(raised.value)
    assert PASSWORD not in repr(raised.value)


def test_a_rate_limit_that_is_over_is_waited_for(node: tuple[ManagementNode, str], ca_path: Path) -> None:
    node[0].fault, node[0].fault_times = "too_many_requests", 2
    assert [item["name"] for item in objects(node[1], ca_path)] == ["edge1", "edge2", "core1"]


def test_a_certificate_of_somebody_else_is_refused(node: tuple[ManagementNode, str], ca_path: Path) -> None:
    with pytest.raises(PortMatrixError, match=r"no answer: .*certificate verify failed"):
        objects(node[1], None)
    assert node[0].requests == []
    assert objects(node[1], None, validate=False)
    with pytest.raises(PortMatrixError, match="no answer"):
        objects(node[1].replace("127.0.0.1", "localhost"), ca_path)  # which the certificate does not name


def test_nobody_there_is_said(ca_path: Path) -> None:
    with pytest.raises(PortMatrixError, match=r"^https://127\.0\.0\.1:1/api.*: no answer: .*refused"):
        objects("https://127.0.0.1:1", ca_path)


@pytest.mark.parametrize("fault", ["unauthorized", "error", "cut", "wrong_json", "key", "url"])
def test_a_fault_shows_no_secret_and_adds_no_host(fault: str, node: tuple[ManagementNode, str], manager: Path) -> None:
    password = PASSWORD
    if fault == "unauthorized":
        node[0].password = "another"
    elif fault == "key":
        text = manager.read_text(encoding="utf-8").replace("username: inventory", "client_id: client")
        manager.write_text(text + f"private_key: {PASSWORD}\n", encoding="utf-8")
        password = ""
    elif fault == "url":
        text = manager.read_text(encoding="utf-8").replace("https://", f"https://inventory:{PASSWORD}@")
        manager.write_text(text, encoding="utf-8")
    else:
        node[0].fault = fault
    run = read(manager, verbose=True, PEXIP_PASSWORD=password)
    assert "uc_firewall.pexip_sfb.pexip_infinity:" in run.said
    assert run.inventory["_meta"]["hostvars"] == {}
    # The file with the options is the user's, and Ansible shows the place in it.
    shown = [line for line in run.said.splitlines() if not line.strip()[:1].isdigit()]
    assert not [secret for secret in SECRETS for line in shown if secret in line]


@pytest.mark.parametrize("credentials", ["", "client_id: client\n", "password: a\nclient_id: client\nprivate_key: b\n"])
def test_one_kind_of_credentials_is_needed(credentials: str, manager: Path) -> None:
    manager.write_text(manager.read_text(encoding="utf-8") + credentials, encoding="utf-8")
    assert (
        "credentials: none, half of them, or two; accepted: username and password, or client_id" in read(manager).said
    )


def test_names_are_looked_up_where_that_is_asked_for(topology: Path) -> None:
    pools = [PoolOf("localhost", 1, {"localhost": EVERYWHERE}, front_end_services())]
    (topology.parent / "topology.tbxml").write_text(builder_file(pools, {1: "Redmond"}), encoding="utf-8")
    text = topology.read_text(encoding="utf-8").replace(NAMES, "")
    topology.write_text(text, encoding="utf-8")
    assert "The topology has no addresses for localhost; accepted: addresses" in read(topology).said
    topology.write_text(text + "resolve: true\n", encoding="utf-8")
    # An answer of DNS is read as strictly as anything else.
    assert "what DNS has for 'localhost': '127.0.0.1' is a loopback address" in read(topology).said


PLUGINS = ("pexip_infinity", "sfb_topology")


@pytest.mark.parametrize("name", PLUGINS)
def test_the_documentation_is_complete_and_can_be_shown(name: str) -> None:
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1"}
    command = ["ansible-doc", "-t", "inventory", f"uc_firewall.pexip_sfb.{name}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True)
    assert "took part in the tests of" in " ".join(done.stdout.split())
    assert "ERROR" not in done.stdout + done.stderr
    done = subprocess.run(
        [*command, "--json"], env=environment, capture_output=True, text=True, timeout=600, check=True
    )
    (entry,) = json.loads(done.stdout).values()
    assert [option for option, about in entry["doc"]["options"].items() if not about.get("description")] == []
    assert entry["doc"]["version_added"] == "1.0.0"


def documented_examples(name: str) -> list[str]:
    """The examples in the documentation of a plugin, each the text of a file."""
    text = (TOP / f"plugins/inventory/{name}.py").read_text(encoding="utf-8")
    match = re.search(r'^EXAMPLES = r"""\n(.*?)^"""', text, re.DOTALL | re.MULTILINE)
    assert match is not None
    return match[1].split("---\n")


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_pexip_infinity_do_what_they_say(
    number: int, node: tuple[ManagementNode, str], ca_path: Path, tmp_path: Path
) -> None:
    assert len(documented_examples("pexip_infinity")) == 3
    (tmp_path / ".config/pexip").mkdir(parents=True)
    text = documented_examples("pexip_infinity")[number].replace("https://manager.example.com", node[1])
    text = re.sub("^ca_path: .*\n", "", text, flags=re.MULTILINE) + f"\nca_path: {ca_path}\n"
    if "private_key" in text:
        node[0].client_id = "5f0f4d6a-inventory"
        node[0].client_key = own_key(tmp_path / ".config/pexip/key.pem")
    elif "locations" in text:
        # The example has two locations, and a server that is known by its name.
        places = [location(1, "London DMZ", ntp_servers=[{"address": "ntp.example.com"}]), location(2, "Oslo")]
        nodes = [worker(1, "node1", 1, "192.0.2.11", maintenance_mode=True), worker(2, "node2", 2, "192.0.2.12")]
        node[0].resources = platform(system_location=places, worker_vm=nodes)
    (tmp_path / "x.pexip_infinity.yml").write_text(text, encoding="utf-8")
    run = read(tmp_path / "x.pexip_infinity.yml", PEXIP_PASSWORD=PASSWORD, HOME=str(tmp_path))
    assert run.groups("manager"), run.said
    if "locations" in text:
        assert run.groups("node1") == {
            "pexip_conferencing_nodes", "pexip_location_london_dmz", "in_maintenance", "node_conferencing",
        }  # fmt: skip
        assert run.variables("ntp.example.com")["port_matrix_addresses"] == ["192.0.2.123"]
        assert list((tmp_path / ".ansible/pexip").iterdir())


@pytest.mark.parametrize("number", range(3))
def test_the_examples_of_sfb_topology_do_what_they_say(number: int, tmp_path: Path) -> None:
    assert len(documented_examples("sfb_topology")) == 3
    text = documented_examples("sfb_topology")[number]
    (tmp_path / "x.sfb_topology.yml").write_text(text, encoding="utf-8")
    edge = PoolOf("edge.example", 1, POOLS[1].machines, POOLS[1].services)
    if number == 0:
        names = ("fe1.contoso.example", "fe2.contoso.example")
        front_ends = PoolOf("pool.contoso.example", 1, dict.fromkeys(names, EVERYWHERE), front_end_services())
        url = "https://oos.contoso.example/hosting/discovery/"
        office = PoolOf(
            "oos.contoso.example", 1, {"oos.contoso.example": ()}, (ServiceOf("WacService", discovery=url),)
        )
        (tmp_path / "contoso.tbxml").write_text(builder_file([front_ends, office], {1: "Redmond"}), encoding="utf-8")
    else:
        (tmp_path / "topology.xml").write_text(published([edge], {1: "Redmond"}), encoding="utf-8")
    run = read(tmp_path / "x.sfb_topology.yml")
    if number == 0:
        assert run.variables("fe2.contoso.example")["port_matrix_addresses"] == ["10.1.0.22"]
        assert run.groups("oos.contoso.example") == {"wac_servers"}
    elif number == 1:
        assert run.groups("avedge.example") == {"sfb_edges", "pool_edge_example"}
    else:
        assert run.variables("avedge.example")["ansible_host"] == "10.1.0.41"


def test_the_page_is_a_whole_site(node: tuple[ManagementNode, str], ca_path: Path, tmp_path: Path) -> None:
    """The three files of the page are an inventory that a report can be made of, with nothing else.

    A later report that has the first one for its baseline says what changed on the platform, and where it is from.
    """
    page = (TOP / "docs/live-inventory.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"<!-- file: (\S+) -->\n\n```yaml\n(.*?)```", page, re.DOTALL))
    assert list(files) == ["manager.pexip_infinity.yml", "site.sfb_topology.yml", "site.yml"]
    folder = tmp_path / "inventory"  # the paths in the files count from there
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text.replace("https://manager.example.com", node[1]), encoding="utf-8")
    (folder / "ca.pem").write_bytes(ca_path.read_bytes())
    (folder / "topology.tbxml").write_text(builder_file(POOLS, {1: "Redmond"}), encoding="utf-8")
    environment = {"PEXIP_PASSWORD": PASSWORD}
    environment |= dict(re.findall(r"^export (\w+)=(\w+)$", page, re.MULTILINE))
    sources = [x for name in files for x in ("-i", f"inventory/{name}")]
    # One of the ranges on the page, in the words of the page.
    ranges = yaml.safe_load(pages.examples("docs/live-inventory.md", "variables")["ranges"])

    def report(**variables: object) -> tuple[dict[str, t.Any], str]:
        arguments = [*sources, "uc_firewall.pexip_sfb.report", "-e", json.dumps({**ranges, **variables})]
        done = ansible("playbook", arguments, environment, cwd=tmp_path)
        assert "failed=0" in done.stdout, done.stdout + done.stderr
        written = (tmp_path / "port-matrix-report/port-matrix.json").read_text(encoding="utf-8")
        return json.loads(written), done.stdout

    first, _said = report()
    rows = {flow["row"] for flow in first["flows"]}
    assert {"sip_signaling", "media_nodes_to_edge", "media_nodes_to_turn", "psom_content", "wac_content"} <= rows
    (media,) = {tuple(flow["source"]) for flow in first["flows"] if flow["row"] == "media_nodes_to_edge"}
    assert media == ("203.0.113.21/32", "203.0.113.22/32")

    (tmp_path / "port-matrix-report/port-matrix.json").rename(tmp_path / "yesterday.json")
    edge1, *others = node[0].resources["worker_vm"]
    moved = {**edge1, "static_nat_address": "203.0.113.99"}
    node[0].resources = {**node[0].resources, "worker_vm": [moved, *others]}
    second, said = report(port_matrix_report_baseline="yesterday.json")
    changes = second["changes"]
    assert changes["baseline_revision"] == first["revision"]
    assert (changes["added"], changes["removed"]) == ([], [])
    for kind, address in (("widened", "203.0.113.99"), ("narrowed", "203.0.113.21")):
        changed = {tuple(f["source"]) for f in changes[kind] if f["row"] == "media_nodes_to_edge"}
        assert changed == {(f"{address}/32",)}
    shown = re.findall(r"^    ((?:Changes|widened|narrowed).*)$", page, re.MULTILINE)
    assert len(shown) == 3
    for line in shown:
        assert line.replace("1f0c6f0a3c52", first["revision"]) in said
    members = [member for endpoint in second["endpoints"] for member in endpoint["members"]]
    sources_of = {member["host"]: member.get("sources") for member in members}
    (of_edge1,) = sources_of["edge1"]
    assert re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z", of_edge1.pop("read"))
    assert of_edge1 == {
        "system": node[1], "record": "worker_vm", "name": "edge1", "addresses": ["203.0.113.99/32"],
    }  # fmt: skip
    assert sources_of["fe2.example"][0]["looked_up_in"] == "addresses"
    assert sources_of["lan"] is None


def test_a_source_that_cannot_be_read_stops_the_play_of_the_page(manager: Path, topology: Path) -> None:
    """Without the setting, Ansible goes on without it."""
    arguments = ["-i", manager, "-i", topology, "uc_firewall.pexip_sfb.report"]
    environment = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "PEXIP_PASSWORD": "wrong"}
    done = ansible("playbook", arguments, environment)
    assert done.returncode != 0
    assert "PLAY [" not in done.stdout
    assert "the credentials are not accepted" in done.stdout + done.stderr
