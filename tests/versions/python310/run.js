// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Runs what.py in CPython 3.10, compiled to WebAssembly, with the directory named as argument as its /versions.
"use strict";
const path = require("path");
const fs = require("fs");
const { loadPyodide } = require("pyodide");

async function main() {
  const python = await loadPyodide({ indexURL: path.dirname(require.resolve("pyodide")) });
  python.FS.mkdir("/versions");
  python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[2] }, "/versions");
  process.exitCode = python.runPython(fs.readFileSync(path.join(process.argv[2], "what.py"), "utf8"));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
