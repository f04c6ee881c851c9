# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the stand-ins: the cmdlets of ``stand_ins/`` with Debian's mono-mcs, the programs with its MinGW."""

from __future__ import annotations

import hashlib
import pathlib
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field

SOURCES = pathlib.Path(__file__).parent / "stand_ins"
COMPILERS = ("mcs", "x86_64-w64-mingw32-gcc")
_FLAGS = {"m": "Mandatory = true", "v": "ValueFromPipeline = true", "p": "ValueFromPipelineByPropertyName = true"}


class NoCompiler(Exception):
    """A compiler is missing; the message is one sentence."""


@dataclass
class Declared:
    """One cmdlet of ``cmdlets.txt``."""

    module: str
    class_name: str
    name: str
    options: list[str]
    parameters: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class StandIns:
    """Where the made files lie."""

    assemblies: t.Mapping[str, pathlib.Path]
    """Module → its assembly: an engine takes the cmdlets of one into one module only."""
    library: pathlib.Path
    program: pathlib.Path
    modules: t.Mapping[str, list[str]]
    """Module → its cmdlets."""


def declared() -> list[Declared]:
    found: list[Declared] = []
    for line in (SOURCES / "cmdlets.txt").read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if line.startswith(" "):
            found[-1].parameters.append(words)
        else:
            found.append(Declared(words[0], words[1], words[2], words[3:]))
    return found


def source(cmdlets: t.Iterable[Declared]) -> str:
    """The C# of the declared cmdlets."""
    text = []
    for one in cmdlets:
        space, _dot, name = one.class_name.rpartition(".")
        verb, _dash, noun = one.name.partition("-")
        extra = "".join(
            f', DefaultParameterSetName = "{word[8:]}"' for word in one.options if word.startswith("default=")
        )
        extra += ", SupportsShouldProcess = true" if "whatif" in one.options else ""
        text.append(f'namespace {space} {{ using Tetra.StandIns; [Cmdlet("{verb}", "{noun}"{extra})]')
        text.append(
            f'public class {name} : Bridged {{ protected override string Called {{ get {{ return "{one.name}"; }} }}'
        )
        for parameter, kind, *words in one.parameters:
            sets = [word for word in words if not word.startswith("alias=")] or [""]
            attributes = [f'[Alias("{word[6:]}")]' for word in words if word.startswith("alias=")]
            for word in sets:
                set_name, _colon, flags = word.partition(":")
                given = [f'ParameterSetName = "{set_name}"'] if set_name else []
                given += [_FLAGS.get(flag, f"Position = {flag}") for flag in flags]
                attributes.append(f"[Parameter({', '.join(given)})]")
            text.append(f"{''.join(attributes)} public {kind} {parameter} {{ get; set; }}")
        text.append("} }")
    return "\n".join(text)


def build(folder: pathlib.Path) -> StandIns:
    """Compiles everything into a folder. Raises NoCompiler."""
    missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing:
        raise NoCompiler(f"{' and '.join(missing)} is missing: apt-get install mono-mcs gcc-mingw-w64-x86-64-win32.")
    cmdlets = declared()
    modules: dict[str, list[str]] = {}
    for one in cmdlets:
        modules.setdefault(one.module, []).append(one.name)
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCES.iterdir())))
    key.update(pathlib.Path(__file__).read_bytes())
    folder = folder / key.hexdigest()[:16]
    assemblies = {module: folder / f"Tetra{module}.dll" for module in modules}
    made = StandIns(assemblies, folder / "tetra_bridge.dll", folder / "bridge.exe", modules)
    if folder.is_dir():
        return made
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = pathlib.Path(tempfile.mkdtemp(dir=folder.parent))
    stub = new / "System.Management.Automation.dll"
    _run("mcs", "-target:library", f"-out:{stub}", str(SOURCES / "automation_stub.cs"))
    for module, assembly in assemblies.items():
        text = new / f"{module}.cs"
        ours = source(one for one in cmdlets if one.module == module)
        text.write_text((SOURCES / "cmdlets.cs").read_text() + ours)
        _run("mcs", "-target:library", f"-out:{new / assembly.name}", f"-r:{stub}", str(text))
    bridge, program, library = str(SOURCES / "bridge.c"), new / made.program.name, new / made.library.name
    _run(COMPILERS[1], "-O1", "-s", "-DPROGRAM", "-o", str(program), bridge, "-lws2_32", "-ladvapi32")
    _run(COMPILERS[1], "-O1", "-s", "-shared", "-o", str(library), bridge, "-lws2_32", "-ladvapi32")
    try:
        new.rename(folder)
    except OSError:  # Another process was quicker.
        shutil.rmtree(new)
    return made


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
