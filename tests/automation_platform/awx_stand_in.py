# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in of the API of AWX, as much as ``awx import`` talks to: resources, what is related to them, and refusals.

Names and kinds of its fields are written down by hand, and the tests compare the names with the collection awx.awx. It
is no AWX: it refuses only what is checked here.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import yaml

ROOT = "/api/v2/"
Fields = dict[str, str]
Object = dict[str, t.Any]

# Type → its collection, and field → kind. A kind that is a type is the id of such an object. An asterisk: required.
TYPES: dict[str, tuple[str, Fields]] = {
    "organization": ("organizations", {"name": "str*"}),
    "credential_type": (
        "credential_types",
        {"name": "str*", "description": "str", "kind": "str*", "inputs": "dict", "injectors": "injectors"},
    ),
    "credential": (
        "credentials",
        {"name": "str*", "organization": "organization", "credential_type": "credential_type*", "inputs": "dict"},
    ),
    "notification_template": (
        "notification_templates",
        {
            "name": "str*", "description": "str", "organization": "organization*", "notification_type": "str*",
            "notification_configuration": "dict", "messages": "messages",
        },
    ),
    "execution_environment": (
        "execution_environments",
        {"name": "str*", "description": "str", "organization": "organization", "image": "str*", "pull": "str"},
    ),
    "project": (
        "projects",
        {
            "name": "str*", "description": "str", "organization": "organization", "scm_type": "str", "scm_url": "str",
            "scm_branch": "str", "scm_update_on_launch": "bool", "default_environment": "execution_environment",
        },
    ),
    "inventory": (
        "inventory",
        {"name": "str*", "description": "str", "organization": "organization*", "kind": "str", "variables": "yaml"},
    ),
    "inventory_source": (
        "inventory_sources",
        {
            "name": "str*", "description": "str", "inventory": "inventory*", "source": "str", "source_path": "str",
            "source_project": "project", "source_vars": "yaml", "credential": "credential", "overwrite": "bool",
            "overwrite_vars": "bool", "update_on_launch": "bool", "update_cache_timeout": "int",
            "execution_environment": "execution_environment",
        },
    ),
    "job_template": (
        "job_templates",
        {
            "name": "str*", "description": "str", "job_type": "str", "inventory": "inventory", "project": "project",
            "playbook": "playbook", "extra_vars": "yaml", "limit": "str", "diff_mode": "bool", "survey_enabled": "bool",
            "ask_limit_on_launch": "bool", "ask_verbosity_on_launch": "bool", "ask_job_type_on_launch": "bool",
            "ask_tags_on_launch": "bool", "allow_simultaneous": "bool", "job_slice_count": "int",
            "execution_environment": "execution_environment",
        },
    ),
    "workflow_job_template": (
        "workflow_job_templates",
        {
            "name": "str*", "description": "str", "organization": "organization", "inventory": "inventory",
            "extra_vars": "yaml", "limit": "str", "ask_limit_on_launch": "bool", "allow_simultaneous": "bool",
        },
    ),
    "workflow_job_template_node": (
        "workflow_job_template_nodes",
        {
            "workflow_job_template": "workflow_job_template", "unified_job_template": "job_template",
            "identifier": "str", "extra_data": "dict", "limit": "str", "all_parents_must_converge": "bool",
        },
    ),
    "schedule": (
        "schedules",
        {
            "name": "str*", "description": "str", "rrule": "rrule*", "enabled": "bool",
            "unified_job_template": "job_template",
        },
    ),
    "workflow_approval_template": (
        "workflow_approval_templates", {"name": "str*", "description": "str", "timeout": "int"},
    ),
}  # fmt: skip
# What an object has: the name of the link → the type there. The first are made through it, the others attached.
CREATED = {
    "schedules": ("schedule", "unified_job_template"),
    "workflow_nodes": ("workflow_job_template_node", "workflow_job_template"),
}
ATTACHED = (
    "credentials", "notification_templates_success", "notification_templates_error", "success_nodes", "failure_nodes",
)  # fmt: skip
# Of whose organization an object is that does not say it itself.
OWNERS = {"inventory_source": "inventory", "job_template": "project"}
PLAIN: dict[str, type] = {"str": str, "bool": bool, "int": int, "dict": dict}
QUESTIONS = ("text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect")


class RefusedError(Exception):
    """What AWX answers with 400 Bad Request."""


class Awx:
    """One AWX. It knows all resources of *root*, and takes the *playbooks* for those of every project."""

    def __init__(self, playbooks: t.Collection[str], resources: t.Iterable[str]) -> None:
        self.playbooks = playbooks
        self.root = {name: f"{ROOT}{name}/" for name in resources}
        self.objects: dict[str, list[Object]] = {kind: [] for kind in TYPES}
        self.attached: dict[str, list[int]] = {}

    def add(self, kind: str, fields: Object) -> Object:
        """Make an object of that type.

        :raises RefusedError: for a field that the type does not have, that is missing, or that has another value.
        """
        number = len(self.objects[kind]) + 1
        made = {"id": number, "type": kind, "url": f"{ROOT}{self._path(kind)}/{number}/", "status": "successful"}
        self.objects[kind].append(self.change(made, fields))
        return made

    def change(self, made: Object, fields: Object) -> Object:
        """Give an object these fields, as :meth:`add` does."""
        known = TYPES[made["type"]][1]
        if unknown := set(fields) - set(known):
            raise RefusedError(f"{made['type']} has no field {sorted(unknown)}")
        if lacks := [name for name, value in known.items() if value.endswith("*") and not (made | fields).get(name)]:
            raise RefusedError(f"{made['type']} needs {lacks}")
        for name, value in fields.items():
            self._check(name, known[name].rstrip("*"), value)
        made.update(fields)
        if (owner := OWNERS.get(made["type"])) and made.get(owner):
            made["organization"] = self.objects[owner][made[owner] - 1]["organization"]
        links = {
            link: f"{made['url']}{link}/" for link in (*CREATED, *ATTACHED, "survey_spec", "create_approval_template")
        }
        targets = {**known, "organization": "organization"}
        for name in {*known, "organization"} & set(made):
            if (target := targets[name].rstrip("*")) in TYPES and made[name]:
                links[name] = f"{ROOT}{self._path(target)}/{made[name]}/"
        made["related"] = links
        return made

    def _check(self, name: str, kind: str, value: t.Any) -> None:
        checks: dict[str, Callable[[t.Any], object]] = {
            "yaml": lambda text: isinstance(yaml.safe_load(text) or {}, dict),
            "playbook": lambda text: text in self.playbooks,
            "rrule": lambda text: re.fullmatch(r"DTSTART;TZID=[\w/]+:\d{8}T\d{6} RRULE:FREQ=\w+;INTERVAL=\d+", text),
            "messages": lambda given: [json.loads(one["body"]) for one in given.values() if one and one["body"]],
            "injectors": lambda given: set(given) <= {"env", "file", "extra_vars"},
        }
        if kind in TYPES:
            good = value is None or 0 < value <= len(self.objects[kind])
        elif kind in PLAIN:
            plain = PLAIN[kind]  # to Python a bool is a number, too
            good = isinstance(value, plain) and isinstance(value, bool) is (plain is bool)
        else:
            good = bool(checks[kind](value))
        if not good:
            raise RefusedError(f"{name}: {value!r} is no {kind}")

    @staticmethod
    def check_survey(survey: Object) -> Object:
        """Refuse a survey with a question that is incomplete, or whose default is none of its choices."""
        for question in survey["spec"]:
            lacks = {"variable", "question_name", "type", "required", "default"} - set(question)
            choices = question.get("choices", "").splitlines()
            if lacks or question["type"] not in QUESTIONS:
                raise RefusedError(f"question {question}: lacks {sorted(lacks)}, or is of no type")
            if question["type"] == "multiplechoice" and not (choices and question["default"] in ("", *choices)):
                raise RefusedError(f"question {question['variable']}: its default is none of its choices")
        return {}

    def _path(self, kind: str) -> str:
        return "inventories" if kind == "inventory" else TYPES[kind][0]

    def kind_at(self, collection: str) -> str | None:
        """Return the type whose objects are in this collection."""
        return next((kind for kind in TYPES if self._path(kind) == collection), None)

    def answer(self, method: str, path: str, query: Object, body: t.Any) -> tuple[int, t.Any]:
        """Return status and answer of one request."""
        collection, number, link = (*path.removeprefix(ROOT).strip("/").split("/"), "", "")[:3]
        kind = self.kind_at(collection)
        if not collection or kind is None:
            return 200, self.root if not collection else {"actions": {"POST": {}}, **_page([])}
        if not number:
            return self._of_collection(method, kind, query, body, {})
        one = self.objects[kind][int(number) - 1]
        if not link:
            return 200, self.change(one, body) if method == "PUT" else one
        return self._of_link(method, one, link, query, body)

    def _of_collection(self, method: str, kind: str, query: Object, body: t.Any, owner: Object) -> tuple[int, t.Any]:
        if method == "OPTIONS":
            fields = TYPES[kind][1].items()
            post = {n: {"type": "id" if k.rstrip("*") in TYPES else k, "required": k.endswith("*")} for n, k in fields}
            return 200, {"actions": {"POST": post}, "search_fields": ["name"]}
        if method == "POST":
            return 201, self.add(kind, {**body, **owner})
        wanted = {**{name: value for name, value in query.items() if name in TYPES[kind][1]}, **owner}
        return 200, _page([one for one in self.objects[kind] if all(one.get(k) == v for k, v in wanted.items())])

    def _of_link(self, method: str, one: Object, link: str, query: Object, body: t.Any) -> tuple[int, t.Any]:
        if link in CREATED:
            kind, key = CREATED[link]
            return self._of_collection(method, kind, query, body, {key: one["id"]})
        if link == "survey_spec":
            return 200, one.setdefault("survey", {**body, **self.check_survey(body)})
        if link == "create_approval_template":
            one["approval"] = self.add("workflow_approval_template", body)
            return 201, one["approval"]
        there = self.attached.setdefault(f"{one['url']}{link}/", [])
        if method == "POST":
            there.append(body["id"])
            return 204, None
        return 200, _page([{"id": number, "type": link} for number in there])

    address = ""

    def serve(self) -> ThreadingHTTPServer:
        """Return a server on a free port of this machine."""
        return ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"awx": self}))


def _page(objects: list[Object]) -> Object:
    return {"count": len(objects), "next": None, "previous": None, "results": objects}


class _Handler(BaseHTTPRequestHandler):
    awx: Awx

    def _do(self) -> None:
        url = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if url.path == "/api/":
                status, answer = 200, {"available_versions": {"v2": ROOT}, "current_version": ROOT}
            else:
                body = json.loads(data) if data else None
                status, answer = self.awx.answer(self.command, url.path, dict(parse_qsl(url.query)), body)
        except RefusedError as e:
            status, answer = 400, {"detail": str(e)}
        text = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Allow", "GET, POST, PUT, OPTIONS")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_OPTIONS = _do  # noqa: N815 # as http.server calls them

    def log_message(self, *_arguments: object) -> None:
        """Say nothing of each request."""
