# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of docs/examples/awx: ``awx import`` posts them to a stand-in of AWX, and they agree with the collection.

No AWX and no Automation Platform took part. awxkit and ansible-rulebook are the released ones, in an environment of
their own (requirements/automation-platform.in).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import typing as t
from collections.abc import Iterator
from pathlib import Path

import ansible_collections
import pytest
import trustme
import yaml
from awx_stand_in import TYPES, Awx
from known_systems import EVERYWHERE, PoolOf, builder_file, front_end_services, location, platform, uri, worker
from management_node.api import ManagementNode
from management_node.server import context, running

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / "docs/examples/awx"
PROJECT = EXAMPLE / "project"
RULEBOOK = PROJECT / "rulebooks/nightly-audit.yml"
PROGRAMS = TOP / ".build/platform-venv/bin"
FIRST, SECOND = (json.loads((EXAMPLE / name).read_text()) for name in ("1-types.json", "2-templates.json"))
# The resources that AWX has, as far as awxkit asks for them.
RESOURCES = (
    "users", "organizations", "teams", "credential_types", "credentials", "notification_templates", "projects",
    "inventory", "inventory_sources", "job_templates", "workflow_job_templates", "execution_environments",
    "applications", "schedules", "system_job_templates",
)  # fmt: skip
Assets = dict[str, list[dict[str, t.Any]]]


def playbooks() -> dict[str, str]:
    """Each playbook of the project → the one of the collection that it is."""
    plays = {path.name: yaml.safe_load(path.read_text()) for path in PROJECT.glob("*.yml")}
    return {name: play["ansible.builtin.import_playbook"] for name, (play,) in plays.items()}


@pytest.fixture
def awx() -> Iterator[Awx]:
    """An AWX as it is after its installation, with the address in ``address``."""
    made = Awx(playbooks(), RESOURCES)
    made.root["inventory"] = made.root["inventory"].replace("inventory", "inventories")
    made.add("organization", {"name": "Default"})
    made.add("credential_type", {"name": "Machine", "kind": "ssh"})
    server = made.serve()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.address = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def imported(awx: Awx, assets: Assets) -> subprocess.CompletedProcess[str]:
    """Import with the released ``awx``."""
    command = [PROGRAMS / "awx", "--conf.host", awx.address, "--conf.token", "of-the-stand-in", "import"]
    text = json.dumps(assets)
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=600, check=False)


def add_credentials(awx: Awx) -> None:
    """Do what docs/automation-platform.md has people do between the two files."""
    for credential in needed_credentials():
        of_type = credential["credential_type"]["name"]
        number = next(one["id"] for one in awx.objects["credential_type"] if one["name"] == of_type)
        awx.add("credential", {"name": credential["name"], "organization": 1, "credential_type": number})


def needed_credentials() -> list[dict[str, t.Any]]:
    found = [source["credential"] for source in SECOND["inventory_sources"]]
    found += [one for template in SECOND["job_templates"] for one in template["related"].get("credentials", ())]
    return [one for index, one in enumerate(found) if one not in found[:index]]


def named(objects: list[dict[str, t.Any]], name: str, key: str = "name") -> dict[str, t.Any]:
    (one,) = [one for one in objects if one[key] == name]
    return one


def test_awx_takes_the_files_and_a_second_time_changes_what_is_there(awx: Awx) -> None:
    assert imported(awx, FIRST).returncode == 0
    early = imported(awx, SECOND)
    assert early.returncode == 1, "there are no credentials yet"
    assert "Could not find matching object" in early.stderr
    add_credentials(awx)
    for assets in (SECOND, {**FIRST, **SECOND}):
        done = imported(awx, assets)
        assert done.returncode == 0, done.stdout + done.stderr
    for assets in (FIRST, SECOND):
        for listed in assets.values():
            for asset in listed:
                kind = asset["natural_key"]["type"]
                made = named(awx.objects[kind], asset["name"])  # one, and no second one
                for name, value in asset.items():
                    if name in TYPES[kind][1] and not isinstance(value, dict):
                        assert made[name] == value, f"{kind} {asset['name']} {name}"
    templates, nodes = awx.objects["job_template"], awx.objects["workflow_job_template_node"]
    check = named(templates, "Pexip and SfB: check")
    assert check["job_type"] == "check"
    credentials = [awx.objects["credential"][number - 1] for number in awx.attached[f"{check['url']}credentials/"]]
    assert [one["name"] for one in credentials] == ["Pexip and SfB: Linux hosts", "Pexip and SfB: Windows servers"]
    assert awx.attached[f"{check['url']}notification_templates_success/"] == [1]
    assert {one["unified_job_template"] for one in awx.objects["schedule"]} == {
        check["id"], named(templates, "Pexip and SfB: observed")["id"],
    }  # fmt: skip
    assert len(named(templates, "Pexip and SfB: query")["survey"]["spec"]) == 6
    # Nothing is applied without an approval: there is one way through the workflow, and it is on it.
    way = [named(nodes, "report", "identifier")]
    while then := awx.attached.get(f"{way[-1]['url']}success_nodes/"):
        way.append(nodes[then[0] - 1])
    assert [one["identifier"] for one in way] == ["report", "approval", "apply", "verify"]
    assert "approval" in way[1]
    assert way[1].get("unified_job_template") is None
    assert [one for one in nodes if awx.attached.get(f"{one['url']}failure_nodes/")] == []


def test_the_stand_in_refuses_what_awx_does(awx: Awx) -> None:
    awx.add("project", {"name": "Pexip and SfB", "organization": 1})
    wrong = {"playbook": "sites.yml", "diff_mode": "yes", "extra_vars": "- a list"}
    (template,) = [one for one in SECOND["job_templates"] if one["name"] == "Pexip and SfB: observed"]
    plain = {
        key: value for key, value in template.items() if key not in ("inventory", "execution_environment", "related")
    }
    done = imported(awx, {"job_templates": [plain | {field: value} for field, value in wrong.items()]})
    assert done.returncode == 1
    for field, value in wrong.items():
        assert f"{field}: {value!r}" in done.stderr
    assert awx.objects["job_template"] == []


def assets_of(asset: dict[str, t.Any]) -> Iterator[dict[str, t.Any]]:
    """Yield an asset, and all that are made with it."""
    yield asset
    for key in ("schedules", "workflow_nodes"):
        for related in asset.get("related", {}).get(key, ()):
            yield from assets_of(related)


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "workflow_approval_template"])
def test_the_stand_in_has_the_fields_of_awx(kind: str) -> None:
    """The modules of awx.awx, which makes the same objects over the same API, know each of them."""
    modules = next(
        Path(path) / "awx/awx/plugins/modules" for path in ansible_collections.__path__ if Path(path, "awx").is_dir()
    )
    documentation = (modules / f"{kind}.py").read_text(encoding="utf-8").split("DOCUMENTATION =")[1]
    options = yaml.safe_load(re.split("['\"]{3}", documentation)[1])["options"]
    assert set(TYPES[kind][1]) - set(options) == set()


def test_every_field_is_one_that_awx_has() -> None:
    """``awx import`` leaves out the others without a word."""
    every = [a for assets in (FIRST, SECOND) for listed in assets.values() for top in listed for a in assets_of(top)]
    assert {
        f"{asset['natural_key']['type']} {name}"
        for asset in every
        for name in set(asset) - set(TYPES[asset["natural_key"]["type"]][1]) - {"natural_key", "related"}
    } == set()


def read_yaml(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def variables_of(playbook: str) -> dict[str, dict[str, t.Any]]:
    """What a playbook of the collection takes: the options of its roles, and what it asks for itself."""
    text = (TOP / f"playbooks/{playbook.rpartition('.')[2]}.yml").read_text(encoding="utf-8")
    taken: dict[str, dict[str, t.Any]] = {name: {} for name in re.findall(r"\b(query_\w+) \|", text)}
    for role in set(re.findall(r"(?:role|name): uc_firewall\.pexip_sfb\.(\w+)", text)):
        for entry in read_yaml(TOP / f"roles/{role}/meta/argument_specs.yml")["argument_specs"].values():
            taken |= entry["options"]
    return taken


SURVEYS = [
    pytest.param(template, question, id=question["variable"])
    for template in SECOND["job_templates"]
    for question in template["related"].get("survey_spec", {"spec": ()})["spec"]
]


@pytest.mark.parametrize(("template", "question"), SURVEYS)
def test_every_question_sets_a_variable_that_its_playbook_takes(
    template: dict[str, t.Any], question: dict[str, t.Any]
) -> None:
    taken = variables_of(playbooks()[template["playbook"]])
    option = taken[question["variable"]]
    choices = question["choices"].splitlines()
    assert set(choices) <= set(option.get("choices", ("true", "false") if option.get("type") == "bool" else ()))
    assert (question["type"] == "integer") == (option.get("type") == "int")
    # What has an answer in any case would be an extra variable in any case, and win over each host's own value.
    assert question["default"] == "" or question["required"]


def test_all_playbooks_are_there() -> None:
    collection, own = {path.stem for path in (TOP / "playbooks").glob("*.yml")}, playbooks()
    assert {name.rpartition(".")[2] for name in own.values()} == collection - {"remove"}
    assert {template["playbook"] for template in SECOND["job_templates"]} == set(own)


def test_no_secret_is_in_the_files() -> None:
    for path in sorted(EXAMPLE.rglob("*.*")):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert not re.search(
            r"\$encrypted\$|PRIVATE KEY|password\W{1,4}(?!\{\{|lookup|\"|Password|password|,)\w", text
        ), path
    assert "credentials" not in {**FIRST, **SECOND}
    for made in FIRST["credential_types"]:
        given = {field["id"]: field for field in made["inputs"]["fields"]}
        assert [name for name, field in given.items() if field.get("secret")][-1] in ("password", "private_key")
        assert {f"{{{{ {name} }}}}" for name in given} == set(made["injectors"]["env"].values())


def test_the_environment_of_a_credential_is_what_the_inventory_reads() -> None:
    documentation = (TOP / "plugins/inventory/pexip_infinity.py").read_text().split('r"""')[1]
    options = yaml.safe_load(documentation.split('"""')[0])["options"]
    read = {one["name"]: name for name, option in options.items() for one in option.get("env", ())}
    of_node = [made["injectors"]["env"] for made in FIRST["credential_types"] if "Management" in made["name"]]
    assert [{read[name] for name in names} for names in of_node] == [
        {"url", "username", "password"}, {"url", "client_id", "private_key"},
    ]  # fmt: skip
    (of_windows,) = [made["injectors"]["env"] for made in FIRST["credential_types"] if "Windows" in made["name"]]
    assert set(re.findall(r"'(SFB_\w+)'", (PROJECT / "inventory/site.yml").read_text())) == set(of_windows)


def rulebook_says(path: Path) -> subprocess.CompletedProcess[str]:
    """Have the released ansible-rulebook read a rulebook, as far as that needs no Java: schema and conditions."""
    code = (
        "import sys, yaml\n"
        "from ansible_rulebook.rules_parser import parse_rule_sets\n"
        "from ansible_rulebook.validators import Validate\n"
        "rules = yaml.safe_load(open(sys.argv[1]))\n"
        "Validate.rulebook(rules)\n"
        "sets = parse_rule_sets(rules, {'pexip_sfb_webhook_token': 'x'})\n"
        "print(*(rule.name for one in sets for rule in one.rules), sep='\\n')\n"
    )
    return subprocess.run(
        [PROGRAMS / "python", "-c", code, path], capture_output=True, text=True, timeout=600, check=False
    )


def test_ansible_rulebook_reads_the_rulebook(tmp_path: Path) -> None:
    done = rulebook_says(RULEBOOK)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [rule["name"] for rule in read_yaml(RULEBOOK)[0]["rules"]]
    for wrong in (("is search(", "is searching("), ("run_workflow_template:", "run_workflows:")):
        broken = tmp_path / "broken.yml"
        broken.write_text(RULEBOOK.read_text(encoding="utf-8").replace(*wrong), encoding="utf-8")
        assert rulebook_says(broken).returncode != 0, wrong


def test_the_rulebook_knows_what_awx_says_and_starts_what_awx_has() -> None:
    (rules,) = read_yaml(RULEBOOK)
    # One after the other, nothing would be heard while the workflow waits for its approval.
    assert rules["execution_strategy"] == "parallel"
    (audit,) = FIRST["notification_templates"]
    bodies = [json.loads(audit["messages"][key]["body"]) for key in ("success", "error")]
    assert [body["status"] for body in bodies] == ["successful", "failed"]
    conditions = " ".join(rule["condition"] for rule in rules["rules"])
    assert set(re.findall(r"event\.payload\.(\w+)", conditions)) - {"audit"} <= set(bodies[0])
    jobs = {one["name"]: one for one in SECOND["job_templates"]}
    heard = {name for name, one in jobs.items() if "notification_templates_success" in one["related"]}
    assert set(re.findall(r'payload\.job == "([^"]+)"', conditions)) == heard
    # What it starts must not send what it hears, or it would go round for ever.
    (workflow,) = SECOND["workflow_job_templates"]
    nodes = workflow["related"]["workflow_nodes"]
    assert {node["unified_job_template"]["name"] for node in nodes if "unified_job_template" in node} & heard == set()
    for rule in rules["rules"]:
        for action in rule.get("actions") or [rule["action"]]:
            for kind, given in action.items():
                known = {"run_job_template": jobs, "run_workflow_template": {"Pexip and SfB: change": {}}}
                assert kind == "print_event" or given["name"] in known[kind]
                # What it starts by itself changes nothing.
                assert kind != "run_job_template" or jobs[given["name"]]["job_type"] == "check"


@pytest.fixture
def read_by_awx(tmp_path: Path) -> Path:
    """The inventory as AWX gives it to a job: what ansible-inventory exported of the project's folder, by a script."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    pools = [PoolOf("pool.example", 1, {"fe1.example": EVERYWHERE}, front_end_services())]
    (project / "topology.tbxml").write_text(builder_file(pools, {1: "London"}), encoding="utf-8-sig")
    topology = project / "inventory/site.sfb_topology.yml"
    topology.write_text(topology.read_text().replace("resolve: true", "addresses: {fe1.example: [10.1.0.31]}"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "node.pem"))
    resources = platform(
        system_location=[location(1, "London", turn_server=uri("turn_server", 1))],
        worker_vm=[worker(1, "node1", 1, "10.1.0.11")],
        turn_server=[{"id": 1, "name": "turn1", "address": "198.51.100.41", "port": 3478, "transport_type": "udp"}],
    )
    with running(ManagementNode(resources, password="open-sesame"), context(tmp_path / "node.pem")) as port:
        given = {"url": f"https://127.0.0.1:{port}", "username": "inventory", "password": "open-sesame"}
        injected = FIRST["credential_types"][0]["injectors"]["env"]
        environment = {name: given[value.strip("{} ")] for name, value in injected.items()}
        environment |= {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True"}
        environment |= yaml.safe_load(SECOND["inventory_sources"][0]["source_vars"])
        source = project / SECOND["inventory_sources"][0]["source_path"]
        exported = subprocess.run(
            ["ansible-inventory", "-i", source, "--list", "--export", "--output", tmp_path / "inventory.json"],
            env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    assert exported.returncode == 0, exported.stderr
    script = tmp_path / "hosts"
    script.write_text(f"#!/bin/sh\ncat {tmp_path / 'inventory.json'}\n")
    script.chmod(0o755)
    return script


def test_a_job_answers_the_survey_from_the_inventory_that_awx_has(read_by_awx: Path) -> None:
    (template,) = [one for one in SECOND["job_templates"] if one["playbook"] == "query.yml"]
    # AWX hands over what has no answer as an empty text.
    answers = {question["variable"]: question["default"] for question in template["related"]["survey_spec"]["spec"]}
    answers |= {"query_source": "fe1.example", "query_destination": "node1"}
    answers["port_matrix_allow_empty"] = ["edge", "edge_av", "wac_server"]
    command = ["ansible-playbook", "-i", read_by_awx, PROJECT / template["playbook"], "-e", json.dumps(answers)]
    done = subprocess.run(
        command, env={**os.environ, "ANSIBLE_NOCOLOR": "1"}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sip_signaling" in done.stdout
