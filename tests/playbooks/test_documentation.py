# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of all plugins: it is complete, Ansible shows it, and its examples do what they say.

Every example of every plugin is a task of one play. Those with a filter or a test run. Those with a module are held
against the documented options of that module, with their templates filled in.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from warm_ansible import ansible_playbook

TOP = Path(__file__).parents[2]
COLLECTION = "uc_firewall.pexip_sfb"
PLUGINS = [
    (kind, path.stem)
    for kind, folder in (("filter", "filter"), ("test", "test"), ("module", "modules"))
    for path in sorted((TOP / "plugins" / folder).glob("*.py"))
]
ROLES = sorted(path.name for path in (TOP / "roles").iterdir())
Documentation = dict[str, t.Any]

# What the play of a user has before the example: what another plugin returned, and which options are filled with it.
GIVEN: dict[str, t.Any] = {
    "firewall": {"rules": [], "foreign_rules": [], "profiles": []},
    "responder": {"process": {"pid": 4711, "start": 123456}},
    "answers": {},
    "observed": {"flows": []},
    "applied": {"changed": False},
}
FIRST = f"""
- name: The site that the examples are about
  ansible.builtin.include_role:
    name: {COLLECTION}.port_matrix

- name: What it is that the hosts probe
  ansible.builtin.set_fact:
    plan: "{{{{ port_matrix_site | {COLLECTION}.probes(hostvars, hosts=ansible_play_hosts_all) }}}}"
"""


@pytest.fixture(scope="module")
def documented() -> dict[str, dict[str, Documentation]]:
    """Kind and short name of each plugin and role to what ansible-doc knows of it."""
    done = subprocess.run(
        ["ansible-doc", "--metadata-dump", "--no-fail-on-errors", COLLECTION],
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    everything = json.loads(done.stdout)["all"]
    return {
        kind: {name.rpartition(".")[2]: entry for name, entry in everything[kind].items()}
        for kind in ("filter", "test", "module", "role")
    }


def incomplete(items: dict[str, Documentation], nested: str, at: str = "") -> list[str]:
    """Options or returned values that lack a description or a type, with those within them."""
    found = []
    for name, item in items.items():
        where = f"{at}{name}"
        found += [where] if not item.get("description") or not item.get("type") else []
        found += [where] if item.get("type") == "list" and not item.get("elements") else []
        found += incomplete(item.get(nested) or {}, nested, f"{where}.")
    return found


def examples(kind: str, name: str) -> list[dict[str, t.Any]]:
    folder = {"module": "modules"}.get(kind, kind)
    text = (TOP / "plugins" / folder / f"{name}.py").read_text(encoding="utf-8")
    match = re.search(r'^EXAMPLES = r"""\n(.*?)^"""', text, re.DOTALL | re.MULTILINE)
    assert match is not None, f"{kind} {name} has no examples"
    return t.cast("list[dict[str, t.Any]]", yaml.safe_load(match[1]))


def argument_spec(options: dict[str, Documentation]) -> dict[str, t.Any]:
    """The argument specification that documented options amount to."""
    kept = ("type", "elements", "choices", "default", "required")
    return {
        name: {key: option[key] for key in kept if option.get(key) is not None}
        | ({"options": argument_spec(option["suboptions"])} if option.get("suboptions") else {})
        for name, option in options.items()
    }


def as_task(example: dict[str, t.Any], documented: dict[str, dict[str, Documentation]]) -> dict[str, t.Any]:
    """The example as it can run here: a module of ours, which would need a host, is replaced by its specification."""
    module = next((key for key in example if key.startswith(f"{COLLECTION}.")), None)
    if module is None:
        return example
    options = documented["module"][module.rpartition(".")[2]]["doc"].get("options", {})
    assert not options.keys() & GIVEN.keys(), "a variable of this name would be taken for the option"
    checked = {"argument_spec": argument_spec(options), "provided_arguments": example[module] or {}}
    rest = {key: value for key, value in example.items() if key not in (module, "register")}
    return {**rest, "ansible.builtin.validate_argument_spec": checked}


def play(tasks: list[dict[str, t.Any]], directory: Path) -> subprocess.CompletedProcess[str]:
    """Run *tasks* for the Front End of the README's example."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    match = re.search(r"```yaml\n(all:\n  children:\n.*?)```", readme, re.DOTALL)
    assert match is not None
    (directory / "inventory.yml").write_text(match[1], encoding="utf-8")
    (directory / "given.json").write_text(json.dumps(GIVEN), encoding="utf-8")
    whole = [{"hosts": "fe1", "gather_facts": False, "tasks": [*yaml.safe_load(FIRST), *tasks]}]
    (directory / "play.yml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    command = ["-i", "inventory.yml", "-c", "local", "-e", "@given.json", "play.yml"]
    return ansible_playbook(command, cwd=directory, env={**os.environ, "ANSIBLE_NOCOLOR": "1"})


def test_the_examples_do_what_they_say(documented: dict[str, dict[str, Documentation]], tmp_path: Path) -> None:
    tasks = [
        {**as_task(example, documented), "name": f"{kind} {name}: {example['name']}"}
        for kind, name in PLUGINS
        for example in examples(kind, name)
    ]
    done = play(tasks, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout
    for task in tasks:
        assert f"TASK [{task['name']}]" in done.stdout
        assert not re.search(re.escape(f"TASK [{task['name']}]") + r" \**\nskipping", done.stdout)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ansible.builtin.debug": {"msg": "{{ port_matrix_site | uc_firewall.pexip_sfb.expand(hots='fe1') }}"}},
        {"uc_firewall.pexip_sfb.port_probe": {"probes": [], "seconds": 3}},
        {"uc_firewall.pexip_sfb.port_probe": {"probes": [{"probe": "tcp_connect"}]}},
    ],
    ids=["a filter's option", "a module's option", "a suboption that is missing"],
)
def test_an_example_that_is_wrong_is_seen(
    wrong: dict[str, t.Any], documented: dict[str, dict[str, Documentation]], tmp_path: Path
) -> None:
    assert play([as_task(wrong, documented)], tmp_path).returncode != 0


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_documentation_is_complete(kind: str, name: str, documented: dict[str, dict[str, Documentation]]) -> None:
    entry = documented[kind][name]
    assert "error" not in entry
    assert entry["doc"]["short_description"]
    assert entry["doc"]["description"]
    assert entry["doc"]["author"]
    assert entry["doc"].get("version_added") or kind == "module"
    assert incomplete(entry["doc"].get("options", {}), "suboptions") == []
    assert entry["return"], "says nothing of what it returns"
    assert incomplete(entry["return"], "contains") == []
    assert COLLECTION in entry["examples"]
    assert len(examples(kind, name)) >= 1


@pytest.mark.parametrize("kind", ["filter", "test", "module", "role"])
def test_the_documentation_can_be_shown(kind: str) -> None:
    names = ROLES if kind == "role" else [name for each, name in PLUGINS if each == kind]
    done = subprocess.run(
        ["ansible-doc", "-t", kind, *(f"{COLLECTION}.{name}" for name in names)],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = re.findall(rf"^> {kind}:? \*?{COLLECTION}\.(\w+)", done.stdout, re.MULTILINE | re.IGNORECASE)
    assert sorted(shown) == sorted(names)
    assert "ERROR" not in done.stdout + done.stderr
