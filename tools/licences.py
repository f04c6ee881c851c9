# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which licences the packages of an environment have, and whether the collection may be used together with them.

Usage: licences.py [--product VENV...] [--tools VENV...]

What the product imports has to be compatible with its own licence, GPL-3.0-or-later; what only builds or tests it has
to be free software. Ends with 1 and a sentence per package whose licence is unknown or not allowed.

The licence is what the package's own metadata say: ``License-Expression`` (PEP 639), else its classifiers, else
``License``. A package that says it in none of them has an entry in SAID_ELSEWHERE, with where it says it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from pathlib import Path

from license_expression import ExpressionError, get_spdx_licensing

# Licences whose terms allow a combined work under GPL-3.0-or-later
# (https://www.gnu.org/licenses/license-list.html#GPLCompatibleLicenses, read 2026-11).
COMPATIBLE = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "GPL-2.0-or-later", "GPL-3.0-only",
        "GPL-3.0-or-later", "ISC", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0",
        "PSF-2.0", "Python-2.0", "Unlicense", "Zlib", "ZPL-2.1",
    }
)  # fmt: skip

# Free licences beside these, enough for a program that is run and not combined with ours.
FREE = COMPATIBLE | {"AGPL-3.0-or-later", "CNRI-Python"}

CLASSIFIERS = {
    "Academic Free License (AFL)": "AFL-3.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
}

# What older metadata write in License instead of an SPDX expression.
NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "GPLv3+": "GPL-3.0-or-later",
    "MIT License": "MIT",
    "MPL 2.0": "MPL-2.0",
}

SAID_ELSEWHERE: dict[str, tuple[str, str]] = {}


def expression_of(distribution: importlib.metadata.Distribution) -> str | None:
    """The SPDX expression of a package, or None where it says none."""
    metadata = distribution.metadata
    if metadata.get("License-Expression"):
        return str(metadata["License-Expression"])
    last_words = [text.rsplit(" :: ", 1)[1] for text in metadata.get_all("Classifier") or [] if "License ::" in text]
    known = [CLASSIFIERS[words] for words in last_words if words in CLASSIFIERS]
    if known:
        # Several classifiers are several licences that one may choose from, or parts under each: both are asked for.
        return " AND ".join(sorted(set(known)))
    said = str(metadata.get("License") or "").strip()
    if said and "\n" not in said:
        return NAMES.get(said, said)
    elsewhere = SAID_ELSEWHERE.get(str(metadata["Name"]).lower())
    return elsewhere[0] if elsewhere else None


def complaint(name: str, expression: str | None, licences: frozenset[str] = COMPATIBLE) -> str | None:
    """Why a package may not be used; None where it may."""
    if expression is None:
        return f"{name}: its metadata name no licence; find it and add it to SAID_ELSEWHERE in tools/licences.py."
    try:
        parsed = get_spdx_licensing().parse(expression, validate=True)
    except ExpressionError:
        return f"{name}: {expression!r} is no SPDX licence expression; map it in tools/licences.py."
    if not allowed(parsed, licences):
        return f"{name}: {expression} is not among the licences that are allowed there."
    return None


def allowed(parsed: object, licences: frozenset[str]) -> bool:
    """One of the sides of an OR, all of an AND; an exception (WITH) is asked for by its licence."""
    kind = type(parsed).__name__
    if kind == "OR":
        return any(allowed(part, licences) for part in parsed.args)  # type: ignore[attr-defined]
    if kind == "AND":
        return all(allowed(part, licences) for part in parsed.args)  # type: ignore[attr-defined]
    return str(getattr(parsed, "license_symbol", parsed)) in licences


def packages_of(venv: Path) -> list[importlib.metadata.Distribution]:
    folders = [str(path) for path in venv.glob("lib/python3*/site-packages")]
    found = importlib.metadata.distributions(path=folders)
    return sorted(found, key=lambda each: str(each.metadata["Name"]).lower())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--product", nargs="+", default=[], metavar="VENV")
    parser.add_argument("--tools", nargs="+", default=[], metavar="VENV")
    given = parser.parse_args(arguments)
    complaints = []
    for venv, licences in [*((venv, COMPATIBLE) for venv in given.product), *((venv, FREE) for venv in given.tools)]:
        packages = packages_of(Path(venv))
        if not packages:
            complaints.append(f"{venv}: no package was found there.")
        for package in packages:
            expression = expression_of(package)
            name = f"{package.metadata['Name']} {package.version}"
            print(f"{venv}  {name}  {expression}")
            said = complaint(f"{name} in {venv}", expression, licences)
            complaints += [said] if said else []
    for said in complaints:
        print(said, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
