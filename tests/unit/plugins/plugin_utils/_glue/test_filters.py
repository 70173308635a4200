# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import __file__ as glue_module
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.errors import PortMatrixError


@as_filter("double")
def _double(value: int, factor: int = 2) -> int:
    """Double it."""
    if value < 0:
        raise PortMatrixError.at("value", f"{value} is negative", "0 or more")
    return value * factor


def test_a_filter_returns_what_its_function_returns() -> None:
    assert _double(4) == 8
    assert _double(4, factor=3) == 12


def test_a_filter_keeps_the_name_and_the_documentation_of_its_function() -> None:
    assert (_double.__name__, _double.__doc__) == ("_double", "Double it.")


def test_an_error_of_the_core_becomes_one_of_ansible_with_the_same_text() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        _double(-1)
    assert str(caught.value) == "uc_firewall.pexip_sfb.double:\nvalue: -1 is negative; accepted: 0 or more"
    assert isinstance(caught.value.__cause__, PortMatrixError)


def test_other_errors_are_not_dressed_up() -> None:
    with pytest.raises(TypeError):
        _double(None)  # type: ignore[arg-type]


def _imports(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


PLUGIN_UTILS = Path(glue_module).parents[1]
GLUE = {f"_glue/{name}.py" for name in ("confirmation", "filters", "https", "inventory", "inventory_files", "warnings")}
CORE = sorted(str(path.relative_to(PLUGIN_UTILS)) for path in PLUGIN_UTILS.rglob("*.py"))


def test_the_core_is_found() -> None:
    assert {*GLUE, "_matrix/expand.py", "_nftables/table.py"} <= {*CORE}


@pytest.mark.parametrize("module", CORE)
def test_only_the_glue_knows_ansible(module: str) -> None:
    ansible = any(name.startswith("ansible") for name in _imports(PLUGIN_UTILS / module))
    assert ansible == (module in GLUE)
