# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules' own documented specifications, and arguments held against them."""

from __future__ import annotations

import functools
import importlib
import typing as t
from pathlib import Path

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.plugin_docs import read_docstring

_KEPT = ("type", "elements", "choices", "default", "required", "aliases")


def checked_arguments(module: str, arguments: dict[str, t.Any]) -> tuple[dict[str, t.Any], str]:
    """Return the arguments in the types of their options with defaults filled in, and what is wrong with them."""
    result = ArgumentSpecValidator(argument_spec(module)).validate(arguments)
    return result.validated_parameters, "; ".join(result.error_messages)


@functools.cache
def argument_spec(module: str) -> dict[str, dict[str, t.Any]]:
    """The argument specification of a module, from the documentation that its collection ships.

    :raises NotImplementedError: for a module that has none.
    """
    namespace, collection, name = module.rsplit(".", 2)
    for root in importlib.import_module(f"ansible_collections.{namespace}.{collection}").__path__:
        path = Path(root) / "plugins" / "modules" / f"{name}.py"
        if path.exists():
            documentation = read_docstring(str(path), verbose=False)["doc"]
            options = {**_shared_options(documentation), **documentation.get("options", {})}
            return {option: {key: spec[key] for key in _KEPT if key in spec} for option, spec in options.items()}
    raise NotImplementedError(f"no documentation of {module} was found")


def _shared_options(documentation: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """The options that come from fragments of a collection; those of Ansible itself hold none that count here."""
    found: dict[str, dict[str, t.Any]] = {}
    for name in documentation.get("extends_documentation_fragment", []):
        namespace, collection, fragment, *part = [*name.split("."), "", ""][:4]
        if fragment:
            module = importlib.import_module(
                f"ansible_collections.{namespace}.{collection}.plugins.doc_fragments.{fragment}"
            )
            text = getattr(module.ModuleDocFragment, (part[0] or "DOCUMENTATION").upper())
            found.update(yaml.safe_load(text).get("options", {}))
    return found
