# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A type of contract for import-linter: packages that import the standard library, and of anything else what is named.

The types that import-linter has name what is forbidden, and what nobody thought of is not on such a list.
"""

from __future__ import annotations

import sys
import typing as t

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.application.contract_utils import AlertLevel, remove_ignored_imports

# Hosts have Python 3.9 or later, and it does not have these.
_NEWER = {"annotationlib", "compression", "tomllib"}


class StandardLibraryContract(Contract):
    """Options: ``packages``; ``accepted``, what else they may import; ``ignore_imports``, as in every type."""

    # On an instance they hold what was read, of which the library's types know nothing.
    packages: t.Any = fields.SetField(subfield=fields.ModuleField())
    accepted: t.Any = fields.SetField(subfield=fields.ModuleField())
    ignore_imports: t.Any = fields.SetField(subfield=fields.ImportExpressionField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Find what they import of anything else."""
        warnings = remove_ignored_imports(graph, self.ignore_imports, AlertLevel.ERROR)
        accepted = sys.stdlib_module_names - _NEWER | {module.name for module in self.accepted}
        found = [
            (importer, imported)
            for package in self.packages
            for importer in sorted(graph.find_descendants(package.name))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not any(f"{imported}.".startswith(f"{name}.") for name in accepted)
        ]
        return ContractCheck(kept=not found, warnings=warnings, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print who imports what."""
        for importer, imported in check.metadata["found"]:
            output.print_error(f"{importer} is not allowed to import {imported}")
