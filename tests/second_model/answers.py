# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Windows in a given state answers to cmdlets. RULE: see __init__.

Sources, beside those that rows name: the recorded answers of a real engine (``../shared/powershell/recordings``: errors
of the registry provider, Select-Object, Get-Item), the recorded CLIXML of CSS-Exchange (Get-TlsCipherSuite), and
``../shared/facts/schannel.md`` section 3 (where which value lies).
"""

from __future__ import annotations

import fnmatch
import functools
import pathlib
import typing as t

import yaml

from .psrp import Command, Connection, Moment, Obj, Problem, UInt

HERE = pathlib.Path(__file__).parent
HKLM = "HKEY_LOCAL_MACHINE"
CONTROL = rf"{HKLM}\SYSTEM\CurrentControlSet\Control"
SERVICES = rf"{HKLM}\SYSTEM\CurrentControlSet\Services"
POLICY = rf"{HKLM}\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
LOCAL = rf"{CONTROL}\Cryptography\Configuration\Local\SSL\00010002"
SIGNATURES = rf"{CONTROL}\Cryptography\Configuration\Local\SSL\00010003"
SCHANNEL = rf"{CONTROL}\SecurityProviders\SCHANNEL"
CURRENT_VERSION = rf"{HKLM}\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
WINHTTP = rf"{HKLM}\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp"
"""KB3140245 adds a value to this key as to one that is there."""
CONNECTOR = rf"{HKLM}\SOFTWARE\Immunet Protect"
FOLDER = r"C:\Program Files\Cisco\AMP"

Row = dict[str, t.Any]
Values = dict[str, tuple[str, t.Any]]
"""Name → (type, data)."""


@functools.cache
def table() -> dict[str, t.Any]:
    document: dict[str, t.Any] = yaml.safe_load((HERE / "endpoints.yml").read_text(encoding="utf-8"))
    return document


class Windows:
    """One row of the table, brought to life."""

    def __init__(self, row: Row, release: Row) -> None:
        self.row, self.release = row, release
        self.keys: dict[str, tuple[str, Values]] = {}
        self.denied = {str(path).lower() for path in row.get("denied", [])}
        self.files: dict[str, bytes | None] = {}
        self.not_modelled: list[str] = []
        self._registry()
        self._connector()

    def connection(self) -> Connection:
        version = self.release.get("powershell", f"5.1.{self.release['build']}.{self.release['ubr']}")
        table = {"PSVersion": version, "PSRemotingProtocolVersion": "2.3", "SerializationVersion": "1.1.0.1"}
        if version.startswith("5.1"):
            table["PSEdition"] = "Desktop"
        return Connection(self.answer, table)

    # State -----------------------------------------------------------------------------------------------------------

    def put(self, path: str, **values: tuple[str, t.Any]) -> None:
        """A key, those above it, and its values."""
        parent = path.rpartition("\\")[0]
        if parent and parent.lower() not in self.keys:
            self.put(parent)
        self.keys.setdefault(path.lower(), (path, {}))[1].update(values)

    def _registry(self) -> None:
        row, release = self.row, self.release
        kind = row.get("kind", release["kind"])
        about = {
            "ProductName": ("SZ", release["product"][kind]),
            "CurrentBuildNumber": ("SZ", str(release["build"])),
            "EditionID": ("SZ", release["edition"][kind]),
            "InstallationType": ("SZ", kind.capitalize()),
        }
        if release["build"] >= 10240:
            about["UBR"] = ("DWORD", release["ubr"])
        if release.get("display_version"):
            about["DisplayVersion"] = ("SZ", release["display_version"])
        if release.get("release_id"):
            about["ReleaseId"] = ("SZ", release["release_id"])
        self.put(CURRENT_VERSION, **about)
        self.put(rf"{CONTROL}\ComputerName\ActiveComputerName", ComputerName=("SZ", "SECOND"))
        self.put(rf"{HKLM}\SOFTWARE\Microsoft\Cryptography", MachineGuid=("SZ", "00000000-0000-4000-8000-00000000beef"))
        self.put(rf"{SERVICES}\Tcpip\Parameters", Domain=("SZ", ""))
        self.put(
            rf"{SERVICES}\RpcSs",
            ImagePath=("EXPAND_SZ", r"C:\Windows\system32\svchost.exe -k rpcss"),
            Start=("DWORD", 2),
        )
        self.put(rf"{CONTROL}\Session Manager", BootExecute=("MULTI_SZ", ["autocheck autochk *"]))
        self.put(r"HKEY_USERS\S-1-5-19\Software")
        self.put(rf"{CONTROL}\Lsa\FipsAlgorithmPolicy", Enabled=("DWORD", int(row.get("fips", False))))
        self.put(WINHTTP)
        for part in ("Ciphers", "Hashes", "KeyExchangeAlgorithms", "Protocols"):
            self.put(rf"{SCHANNEL}\{part}")
        local = row.get("local", release["list"])
        if local != "absent":
            self.put(LOCAL, Functions=("MULTI_SZ", list(local)))
        if not release.get("suffixed") and row.get("local_curves", release["curves"]) != "absent":
            self.put(LOCAL, EccCurves=("MULTI_SZ", list(row.get("local_curves", release["curves"]))))
        self.put(SIGNATURES, Functions=("MULTI_SZ", list(row.get("signatures", release["signatures"]))))
        if "policy" in row:
            self.put(POLICY, Functions=(row.get("policy_type", "SZ"), row["policy"]))
        if "policy_curves" in row:
            self.put(POLICY, EccCurves=("MULTI_SZ", list(row["policy_curves"])))
        for key, values in row.get("schannel", {}).items():
            self.put(rf"{SCHANNEL}\{key}", **{name: ("DWORD", number) for name, number in values.items()})
        for key, values in row.get("registry", {}).items():
            self.put(str(key), **{name: (pair[0], pair[1]) for name, pair in values.items()})

    def _connector(self) -> None:
        about = self.row.get("connector", {})
        if about == "absent":
            return
        version = about.get("version", "7.5.3.20938")
        self.put(CONNECTOR, InstallDir=("SZ", FOLDER))
        image = rf'"{FOLDER}\{version}\sfc.exe"'
        # shared/facts/cisco.md: the service carries the version in its name before 8.0.
        suffix = "" if version.startswith("8.") else "_" + ".".join(version.split(".")[:3])
        self.put(rf"{SERVICES}\CiscoAMP{suffix}", ImagePath=("EXPAND_SZ", image), Start=("DWORD", 2))
        enabled = int(about.get("tetra", True))
        server = about.get("server", "tetra-defs.amp.cisco.com")
        self.files[rf"{FOLDER}\policy.xml"] = (
            '<?xml version="1.0" encoding="utf-8"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><Object><config>'
            f"<agent><scansettings><tetra><enable>{enabled}</enable><updater><enable>{enabled}</enable>"
            f"<server>{server}</server></updater></tetra></scansettings></agent></config></Object></Signature>"
        ).encode()
        if tuple(map(int, version.split(".")[:3])) >= (8, 1, 3):  # shared/facts/cisco.md: not readable from 8.1.3 on
            self.files[rf"{FOLDER}\policy.xml"] = None

    # Answers ---------------------------------------------------------------------------------------------------------

    def answer(self, statements: list[list[Command]]) -> t.Iterator[t.Any]:
        for statement in statements:
            values: list[t.Any] = []
            for number, command in enumerate(statement):
                said = list(self._one(command, values if number else None))
                yield from (one for one in said if isinstance(one, Problem))
                values = [one for one in said if not isinstance(one, Problem)]
            yield from values

    def _one(self, command: Command, given: list[t.Any] | None) -> t.Iterator[t.Any]:
        handler = getattr(self, "_" + command.cmdlet.lower().replace("-", "_"), None)
        if handler is None:
            self.not_modelled.append(command.name)
            return iter(())
        return t.cast("t.Iterator[t.Any]", handler(command, given))

    def _write_output(self, command: Command, given: list[t.Any] | None) -> t.Iterator[t.Any]:
        """Takes a list apart, one level (recorded)."""
        for value in given if given is not None else [command.parameters.get("InputObject")]:
            yield from value if isinstance(value, list) else [value]

    def _select_object(self, command: Command, given: list[t.Any] | None) -> t.Iterator[t.Any]:
        """Every property asked for, null where there is none; the first type is ``Selected.`` and what it was."""
        values = given or []
        if "Last" in command.parameters:
            yield from values[-int(command.parameters["Last"]) :]
            return
        expanded = command.parameters.get("ExpandProperty")
        for value in values:
            if expanded is not None:
                yield value.properties[expanded]
                continue
            wanted = command.parameters["Property"]
            properties = {name: value.properties.get(name) for name in wanted}
            types = (f"Selected.{value.types[0]}", "System.Management.Automation.PSCustomObject", "System.Object")
            yield Obj(types, properties)

    def _paths(self, command: Command) -> list[str]:
        given = command.parameters.get("LiteralPath", command.parameters.get("Path"))
        return [str(path) for path in (given if isinstance(given, list) else [given])]

    def _get_itemproperty(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        for path in self._paths(command):
            name = path.partition("::")[2]
            for found in self._keys(name, "Path" in command.parameters):
                problem = self._problem(found, command.cmdlet, "GetItemPropertyCommand")
                if problem is not None:
                    yield problem
                    continue
                key, values = self.keys[found.lower()]
                if not values:
                    continue  # recorded: nothing comes of a key without values
                properties = {value: _plain(*pair) for value, pair in values.items()}
                properties |= {
                    "PSPath": rf"Microsoft.PowerShell.Core\Registry::{key}",
                    "PSChildName": key.rpartition("\\")[2],
                }
                yield Obj(("System.Management.Automation.PSCustomObject", "System.Object"), properties)

    def _keys(self, name: str, wildcard: bool) -> list[str]:
        if not wildcard or "*" not in name:
            return [name]
        depth = name.count("\\")
        found = [path for path, _v in self.keys.values() if path.count("\\") == depth]
        return sorted(path for path in found if fnmatch.fnmatch(path.lower(), name.lower()))

    def _problem(self, path: str, cmdlet: str, command: str) -> Problem | None:
        if any(path.lower() == one or path.lower().startswith(one + "\\") for one in self.denied):
            error = "System.Security.SecurityException"
            return Problem("PermissionDenied", f"{error},Microsoft.PowerShell.Commands.{command}", cmdlet, path)
        if path.lower() not in self.keys:
            return Problem("ObjectNotFound", f"PathNotFound,Microsoft.PowerShell.Commands.{command}", cmdlet, path)
        return None

    def _key(self, path: str) -> Obj:
        key, values = self.keys[path.lower()]
        below = [one for one in self.keys if one.rpartition("\\")[0] == path.lower()]
        properties = {"Name": key, "Property": list(values), "ValueCount": len(values), "SubKeyCount": len(below)}
        return Obj(("Microsoft.Win32.RegistryKey", "System.Object"), properties)

    def _get_item(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        for path in self._paths(command):
            if "::" not in path:
                yield self._file(path, command.cmdlet, "GetItemCommand")
                continue
            name = path.partition("::")[2]
            problem = self._problem(name, command.cmdlet, "GetItemCommand")
            yield problem if problem is not None else self._key(name)

    def _get_childitem(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        for path in self._paths(command):
            if path.startswith("Env:"):
                variables = {
                    "PROCESSOR_ARCHITECTURE": "AMD64",
                    "SystemRoot": r"C:\Windows",
                    "ProgramData": r"C:\ProgramData",
                }
                for name, value in variables.items():
                    if fnmatch.fnmatch(name.lower(), path[4:].lower()):
                        yield Obj(
                            ("System.Collections.DictionaryEntry", "System.ValueType"), {"Name": name, "Value": value}
                        )
                continue
            name = path.partition("::")[2]
            problem = self._problem(name, command.cmdlet, "GetChildItemCommand")
            if problem is not None:
                yield problem
                continue
            below = sorted(one for one in self.keys if one.rpartition("\\")[0] == name.lower())
            yield from (self._key(one) for one in below)

    def _file(self, path: str, cmdlet: str, command: str) -> t.Any:
        if path == r"C:\Windows\System32\ntdll.dll":
            return Obj(
                ("System.IO.FileInfo",),
                {"FullName": path, "Length": 2, "LastWriteTimeUtc": Moment("2026-01-01T00:00:00Z")},
            )
        content = self.files.get(path, b"")
        if path in self.files and content is not None:
            about = {"FullName": path, "Length": len(content), "LastWriteTimeUtc": Moment("2026-01-01T00:00:00Z")}
            return Obj(("System.IO.FileInfo",), about)
        return Problem("ObjectNotFound", f"PathNotFound,Microsoft.PowerShell.Commands.{command}", cmdlet, path)

    def _get_content(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        path = self._paths(command)[0]
        if path not in self.files:
            error = "PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand"
            yield Problem("ObjectNotFound", error, command.cmdlet, path)
        elif self.files[path] is None:
            error = "GetContentReaderUnauthorizedAccessError,Microsoft.PowerShell.Commands.GetContentCommand"
            yield Problem("PermissionDenied", error, command.cmdlet, path)
        else:
            yield self.files[path]

    def _select_string(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        path = self._paths(command)[0]
        error = "PathNotFound,Microsoft.PowerShell.Commands.SelectStringCommand"
        yield Problem("ObjectNotFound", error, command.cmdlet, path)

    def _get_ciminstance(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        name = command.parameters["ClassName"]
        types = (f"Microsoft.Management.Infrastructure.CimInstance#root/cimv2/{name}", "System.Object")
        if name == "Win32_OperatingSystem":
            boot = Moment("2026-11-20T06:00:00+00:00")
            yield Obj(types, {"LastBootUpTime": boot, "CurrentTimeZone": 0})
        elif name == "RSOP_GPO":
            yield Obj(
                types,
                {"id": "LocalGPO", "name": "Local Group Policy", "guidName": "Local Group Policy", "enabled": True},
            )
        elif name != "RSOP_RegistryPolicySetting":
            self.not_modelled.append(name)

    def _invoke_cimmethod(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        """StdRegProv: EnumValues tells names and types, GetDWORDValue one number (learn.microsoft.com, stdregprov)."""
        arguments, method = command.parameters["Arguments"], command.parameters["MethodName"]
        found = self.keys.get(f"{HKLM}\\{arguments['sSubKeyName']}".lower())
        values = found[1] if found is not None else {}
        answer: dict[str, t.Any] = {"ReturnValue": UInt(0 if found is not None else 2)}
        if method == "EnumValues":
            answer["sNames"] = list(values) or None
            answer["Types"] = [_TYPES[kind] for kind, _data in values.values()] or None
        elif method == "GetDWORDValue":
            kind, data = values.get(arguments["sValueName"], ("", None))
            answer["uValue"] = UInt(data) if kind == "DWORD" else None
            answer["ReturnValue"] = UInt(0 if kind == "DWORD" else 1)
        else:
            self.not_modelled.append(method)
        yield Obj(("Microsoft.Management.Infrastructure.CimMethodResult", "System.Object"), answer)

    def _get_tlsciphersuite(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        """One list object of the configured order (recorded); a policy of type REG_SZ stands in for the local list.

        What the release cannot resolve has the id 0 and no protocols (recorded).
        """
        if not self.release["cmdlets"]:
            error = "CommandNotFoundException"
            yield Problem("ObjectNotFound", error, command.cmdlet, command.name)
            return
        names = self.row.get("shown")
        if names is None:
            names = self.row.get("local", self.release["list"])
            if isinstance(self.row.get("policy"), str) and self.row.get("policy_type", "SZ") == "SZ":
                names = [name for name in self.row["policy"].split(",") if name]
        ids, known = table()["ids"], {*self.release["list"], *self.release.get("supported", ())}
        rows = []
        for name in names:
            number, protocols = ids.get(name, (0, [])) if name in known else (0, [])
            properties = {"Name": name, "CipherSuite": UInt(number), "Protocols": [UInt(one) for one in protocols]}
            rows.append(
                Obj(("Microsoft.WindowsAuthenticationProtocols.Commands.TlsCipherSuite", "System.Object"), properties)
            )
        yield rows

    def _get_tlsecccurve(self, _command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        yield list(self.row.get("policy_curves", self.row.get("local_curves", self.release["curves"])))

    def _get_service(self, command: Command, _given: list[t.Any] | None) -> t.Iterator[t.Any]:
        status = Obj(("System.ServiceProcess.ServiceControllerStatus", "System.Enum"), {}, "Running", 4)
        yield Obj(("System.ServiceProcess.ServiceController",), {"Name": command.parameters["Name"], "Status": status})


_TYPES = {"SZ": 1, "EXPAND_SZ": 2, "BINARY": 3, "DWORD": 4, "MULTI_SZ": 7, "QWORD": 11}


def _plain(kind: str, data: t.Any) -> t.Any:
    """A REG_DWORD comes as Int32 (recorded)."""
    if kind == "DWORD":
        return data - (1 << 32) if data >= 1 << 31 else data
    return data


def all_endpoints() -> dict[str, Windows]:
    document = table()
    return {name: Windows(row, document["releases"][row["release"]]) for name, row in document["endpoints"].items()}
