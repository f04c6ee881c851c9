# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""One probe for each behaviour that the lab only infers, and for each belief of ours about Windows.

A probe asks, and says which variant the answer shows; ``None`` where it settles nothing. What changes something is
asked only where it is allowed, on a machine that nobody needs, and is put back. What no question over a session can
settle stands in ``NOT_HERE`` with the reason.
"""

from __future__ import annotations

import contextlib
import functools
import io
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import etl
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CURVES_VALUE,
    LOCAL_KEY,
    OK,
    POLICY_KEY,
    SCHANNEL_KEY,
    SUITES_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.client_hello import predict
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import ABSENT, RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    PSObject,
    Statement,
    UInt32,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.experiments import (
    EXPERIMENTS,
    NO_LISTENER,
    Hellos,
    say_hello,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.observations.windows import Seen, Windows
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    HKEY_LOCAL_MACHINE,
    going_on,
    provider_path,
    select,
)

CURRENT_VERSION = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
OUR_KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\fleetops.tetra.observe"
SLASHED = OUR_KEY + r"\AES 128/128"
_TLS13 = "TLS_AES_128_GCM_SHA256"
_SMALL_FILE = r"C:\Windows\System32\drivers\etc\hosts"
_ECDHE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"


@dataclass(frozen=True)
class Probe:
    """``behaviour``: as in ``docs/lab-behaviours.md``, or a belief of ours."""

    behaviour: str
    what: str
    look: t.Callable[[Windows], Seen]
    writes: bool = False


def _stdregprov(method: str, key: str, *properties: str, **more: t.Any) -> Statement:
    arguments = {"hDefKey": UInt32(HKEY_LOCAL_MACHINE), "sSubKeyName": key.partition("\\")[2], **more}
    asked = going_on(
        "Invoke-CimMethod", Namespace="root/cimv2", ClassName="StdRegProv", MethodName=method, Arguments=arguments
    )
    return (asked, select("ReturnValue", *properties))


def _objects(answer: Answer) -> list[PSObject]:
    return [item for item in answer.output if isinstance(item, PSObject)]


def _refused(answer: Answer) -> Seen:
    return None, answer.refusals[0].sentence() if answer.refusals else "The endpoint gave no answer."


def _return_code(windows: Windows, name: str) -> Seen:
    answer = windows.ask(_stdregprov("GetDWORDValue", CURRENT_VERSION, "uValue", sValueName=name))
    codes = [obj.get("ReturnValue") for obj in _objects(answer)]
    if codes and codes[0] in (1, 2):
        return str(codes[0]), None
    return (None, f"StdRegProv answered {codes[0]}.") if codes else _refused(answer)


def _missing_code(windows: Windows) -> Seen:
    return _return_code(windows, "FleetopsTetraNoSuchValue")


def _wrong_type_code(windows: Windows) -> Seen:
    return _return_code(windows, "ProductName")


def _batch(windows: Windows) -> Seen:
    missing = going_on("Get-Item", LiteralPath=provider_path(OUR_KEY + r"\nothing"))
    answer = windows.ask((missing,), (command("Write-Output", InputObject="after"),))
    if not answer.refusals:
        return None, "The missing key gave no error."
    return ("goes_on" if answer.output == ["after"] else "stops"), None


def _terminating(windows: Windows) -> Seen:
    bad = (command("Get-Item", LiteralPath=provider_path(CURRENT_VERSION), Stream=True),)
    marks = [(command("Write-Output", InputObject=text),) for text in ("first", "second")]
    answer = windows.ask(bad, *marks)
    seen = {0: "nothing", 1: "one_more", 2: "all"}.get(len(answer.output))
    return seen, f"After a binding error in the first statement the client saw {len(answer.output)} of 2 outputs."


def _empty_key(windows: Windows) -> Seen:
    protocols = SCHANNEL_KEY + r"\Protocols"
    about = windows.ask((going_on("Get-Item", LiteralPath=provider_path(protocols)), select("Name", "ValueCount")))
    if [obj.get("ValueCount") for obj in _objects(about)] != [0]:
        return None, "No key without values was at hand."
    answer = windows.ask((going_on("Get-ItemProperty", LiteralPath=provider_path(protocols)), select("PSPath")))
    if answer.refusals:
        return _refused(answer)
    return ("object" if answer.output else "nothing"), None


def _bytes(windows: Windows) -> Seen:
    how: dict[str, t.Any] = {"AsByteStream": True} if windows.core else {"Encoding": "Byte"}
    answer = windows.ask((going_on("Get-Content", LiteralPath=_SMALL_FILE, **how, Raw=True),))
    if not answer.output:
        return _refused(answer)
    return ("one_array" if len(answer.output) == 1 and not isinstance(answer.output[0], int) else "single_bytes"), None


def _suite_rows(windows: Windows) -> tuple[list[PSObject], Answer]:
    shown = (command("Get-TlsCipherSuite"), command("Write-Output"), select("Name", "CipherSuite", "Protocols"))
    answer = windows.ask(shown)
    return _objects(answer), answer


def _tls13_shown(windows: Windows) -> Seen:
    match = release_for(windows.build, windows.kind)
    if match is None or match.release.tls13_client != "unsupported":
        return None, "This release has TLS 1.3."
    rows, answer = _suite_rows(windows)
    found = [row for row in rows if row.get("Name") == _TLS13]
    if not found:
        return (None, "The cmdlet shows no name of TLS 1.3.") if rows else _refused(answer)
    return ("resolved" if found[0].get("CipherSuite") else "unresolved"), None


def _tls_module(windows: Windows) -> Seen:
    if not windows.core:
        return None, "This is Windows PowerShell."
    answer = windows.ask((command("Get-TlsCipherSuite"), command("Write-Output")))
    if any(refusal.is_missing_command for refusal in answer.refusals):
        return "missing", None
    types = [name for obj in _objects(answer) for name in obj.types]
    if not types:
        return _refused(answer)
    return ("deserialized" if any(name.startswith("Deserialized.") for name in types) else "native"), None


def _value(windows: Windows, key: str, name: str) -> t.Any:
    answer = windows.ask((going_on("Get-ItemProperty", LiteralPath=provider_path(key)), select("PSPath", name)))
    return next((obj.get(name) for obj in _objects(answer)), None)


def _local_list(windows: Windows) -> Seen:
    names = _value(windows, LOCAL_KEY, SUITES_VALUE)
    if not isinstance(names, list):
        return None, "There is no local list."
    match = release_for(windows.build, windows.kind)
    told = f"The local list has {len(names)} entries."
    if match is None or match.release.suffixed or match.release.tls13_client != "unsupported":
        return None, told
    return ("with_tls13" if _TLS13 in names else "without"), told


def _defaults(windows: Windows) -> Seen:
    """Default lists and curves by release."""
    match = release_for(windows.build, windows.kind)
    names = _value(windows, LOCAL_KEY, SUITES_VALUE)
    _value(windows, LOCAL_KEY, CURVES_VALUE)
    if match is None or not match.exact or not isinstance(names, list):
        return None, "The release is in no table, or its local list could not be read."
    same = [str(name) for name in names] == list(match.release.local_list)
    return ("as_documented" if same else "differs"), None


def _rsop(windows: Windows) -> Seen:
    asked = going_on("Get-CimInstance", Namespace="root/rsop/computer", ClassName="RSOP_GPO")
    answer = windows.ask((asked, select("id", "name", "guidName", "enabled")))
    if not _objects(answer):
        return _refused(answer)
    shown = any(str(obj.get("id")).lower() == "localgpo" for obj in _objects(answer))
    return ("shown" if shown else None), None if shown else "RSoP shows no local policy; it may hold nothing."


def _schtasks(windows: Windows) -> Seen:
    tool = r"C:\Windows\System32\schtasks.exe"
    windows.ask((command(tool, "/query", "/tn", "fleetops-tetra-no-such-task"),))
    answer = windows.ask((command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),))
    codes = [value for value in answer.output if isinstance(value, int)]
    if not codes:
        return _refused(answer)
    return ("zero_or_one" if codes == [1] else None), f"A query for a task that does not exist ended with {codes[0]}."


def _services(windows: Windows) -> Seen:
    after = (command("Write-Output", InputObject="after"),)
    answer = windows.ask((going_on("Get-Service", Name="RpcSs"), select("Name", "Status")), after)
    if not any(refusal.is_denied for refusal in answer.refusals):
        return None, "This account may open the service manager."
    return ("non_terminating" if "after" in answer.output else "terminating"), None


def _jea_names(windows: Windows) -> Seen:
    """In a session of a role: commands by their module answer at all."""
    name = windows.asker.configuration()
    if name is None or name in ("Microsoft.PowerShell", "Microsoft.PowerShell32", "PowerShell.7"):
        return None, f"This session is {name or 'the default'}; names of a role are seen in one of its own (docs/jea)."
    answer = windows.ask((going_on("Get-Item", LiteralPath=provider_path(CURRENT_VERSION)), select("Name")))
    if any(refusal.is_missing_command for refusal in answer.refusals):
        return "not_answered", answer.refusals[0].sentence()
    return ("answered", None) if _objects(answer) else _refused(answer)


def _language_mode(windows: Windows) -> str | None:
    """None where the session does not tell, as one of a role does not."""
    context = command("Get-Variable", Name="ExecutionContext", ValueOnly=True)
    state = command("Select-Object", ExpandProperty="SessionState")
    answer = windows.ask((context, state, select("LanguageMode")))
    if any("ScriptsNotAllowed" in refusal.error_id for refusal in answer.refusals):
        return "NoLanguage"
    told = next((thing.get("LanguageMode") for thing in _objects(answer)), None)
    return str(told.text if isinstance(told, PSObject) else told) if told is not None else None


def _constrained(windows: Windows) -> Seen:
    if _language_mode(windows) != "ConstrainedLanguage":
        return None, "It shows in a session of ConstrainedLanguage."
    answer = windows.ask((command("Get-Date"), command("ForEach-Object", MemberName="ToFileTime")))
    if any(isinstance(value, int) for value in answer.output):
        return "core_types", None
    return ("refused", answer.refusals[0].sentence()) if answer.refusals else _refused(answer)


def _updater_got_through(windows: Windows) -> tuple[bool, str]:
    """Whether the connector updated its definitions since the last boot, and what speaks against it."""
    facts = windows.facts
    if facts is None or facts["connector"]["status"] != OK:
        return False, "There is no connector whose log would tell."
    last, boot = facts["connector"]["last_update"], moment(facts["reboot"]["last_boot"])
    when = moment(last["time"]) if last["status"] == OK else None
    if last["status"] != OK or last["result"] != "updated" or when is None or boot is None or when < boot:
        return False, "The log shows no successful update since the last boot."
    return True, f"Updated at {last['time']}."


def _by_default_off(windows: Windows) -> Seen:
    """The updater gets through with TLS 1.2 alone, which is disabled by default there."""
    through, told = _updater_got_through(windows)
    if not through or windows.facts is None:
        return None, told
    keys = windows.facts["schannel"]["keys"]
    if _dword(keys["Protocols\\TLS 1.2\\Client"], "DisabledByDefault") in (None, 0):
        return None, "TLS 1.2 is not disabled by default here, so the log tells nothing about it."
    if not _without_tls13(windows):
        return None, "TLS 1.3 may have carried the update."
    return "on", told


def _winhttp_defaults(windows: Windows) -> Seen:
    """The updater gets through with TLS 1.2 although WinHTTP's defaults leave it out."""
    through, told = _updater_got_through(windows)
    if not through or windows.facts is None:
        return None, told
    value = windows.facts["schannel"]["winhttp_default_secure_protocols"]
    if value["status"] != OK or not isinstance(value["data"], int) or value["data"] & 0x800:
        return None, "WinHTTP's defaults do not leave TLS 1.2 out here, so the log tells nothing about them."
    if value["data"] & 0x2000 or not _without_tls13(windows):
        return None, "TLS 1.3 may have carried the update."
    return "not_taken", told


def _without_tls13(windows: Windows) -> bool:
    match = release_for(windows.build, windows.kind)
    if match is not None and match.exact and match.release.tls13_client == "unsupported":
        return True
    if windows.facts is None:
        return False
    return _dword(windows.facts["schannel"]["keys"]["Protocols\\TLS 1.3\\Client"], "Enabled") == 0


def _dword(key: t.Mapping[str, t.Any], name: str) -> int | None:
    for found, value in (key.get("values") or {}).items():
        if found.lower() == name.lower() and value.get("type") == "REG_DWORD":
            number = value.get("data")
            return number if isinstance(number, int) else None
    return None


def _success_lines(windows: Windows) -> Seen:
    through, told = _updater_got_through(windows)
    if not through or windows.facts is None:
        return None, told
    line = str(windows.facts["connector"]["last_update"]["line"] or "")
    return ("status_0" if "status: 0" in line else None), f"The log says: {line[:200]}"


def _group_policy(windows: Windows) -> Seen:
    """Which error Get-GPO answers for a GPO that does not exist."""
    answer = windows.ask((going_on("Get-GPO", Name="fleetops.tetra no such GPO"), select("DisplayName")))
    if any(refusal.is_missing_command for refusal in answer.refusals):
        return None, "It needs a domain and its management host."
    if not answer.refusals:
        return None, "Get-GPO answered nothing for a GPO that does not exist."
    told = answer.refusals[0]
    believed = told.error_id.startswith("GpoWithNameNotFound")
    return ("as_believed" if believed else "differs"), f"{told.category}, {told.error_id}"


_TASK = "fleetops-tetra-observe"
_TASK_FILE = r"C:\Windows\Temp\fleetops-tetra-observe.xml"
_SCHTASKS = r"C:\Windows\System32\schtasks.exe"
_TASK_XML = """<?xml version="1.0" encoding="{0}"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><TimeTrigger><StartBoundary>2099-01-01T00:00:00Z</StartBoundary><EndBoundary>2099-01-02T00:00:00Z</EndBoundary>
  <Enabled>true</Enabled></TimeTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId></Principal></Principals>
  <Settings><DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter><AllowStartOnDemand>true</AllowStartOnDemand></Settings>
  <Actions Context="Author">
    <Exec><Command>C:\\Windows\\System32\\fleetops-tetra-no-such-program.exe</Command></Exec>
    <Exec><Command>C:\\Windows\\System32\\schtasks.exe</Command><Arguments>/delete /tn {1} /f</Arguments></Exec>
  </Actions>
</Task>
"""


@contextlib.contextmanager
def _task(windows: Windows, content: bytes) -> t.Iterator[int | None]:
    """Registers a task from these bytes; its exit code. Task and file are gone afterwards."""
    how: dict[str, t.Any] = {"AsByteStream": True} if windows.core else {"Encoding": "Byte"}
    try:
        written = windows.ask((going_on("Set-Content", LiteralPath=_TASK_FILE, Value=content, **how),))
        yield None if written.refusals else _exit_code(windows, "/create", "/xml", _TASK_FILE, "/tn", _TASK)
    finally:
        _exit_code(windows, "/delete", "/tn", _TASK, "/f")
        windows.ask((going_on("Remove-Item", LiteralPath=_TASK_FILE),))


def _exit_code(windows: Windows, *words: str) -> int | None:
    windows.ask((command(_SCHTASKS, *words),))
    answer = windows.ask((command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),))
    return next((value for value in answer.output if isinstance(value, int)), None)


def _task_encoding(windows: Windows) -> Seen:
    """A definition in UTF-8 that calls itself UTF-16."""
    with _task(windows, _TASK_XML.format("UTF-16", _TASK).encode("utf-8")) as code:
        pass
    return {0: "taken", 1: "refused"}.get(code if code is not None else -1), f"schtasks.exe ended with {code}."


def _task_goes_on(windows: Windows) -> Seen:
    """A first action that fails, and a second one that deletes the task itself."""
    with _task(windows, b"\xff\xfe" + _TASK_XML.format("UTF-16", _TASK).encode("utf-16-le")) as code:
        if code != 0:
            return None, f"The task could not be registered: schtasks.exe ended with {code}."
        started = _exit_code(windows, "/run", "/tn", _TASK)
        for pause in (0.0, 1.0, 2.0, 4.0, 8.0):
            time.sleep(pause)
            if _exit_code(windows, "/query", "/tn", _TASK) == 1:
                return "goes_on", None
    return ("stops" if started == 0 else None), f"The task was still there; /run ended with {started}."


_PKTMON = r"C:\Windows\System32\pktmon.exe"
_ETL = r"C:\Windows\Temp\fleetops-tetra-observe.etl"


def _captures(windows: Windows) -> Seen:
    """Two captures at once: the second one is refused, with its exit code."""
    words = ("start", "--capture", "--pkt-size", "128", "-f", _ETL)
    try:
        first = _program_code(windows, _PKTMON, *words)
        if first != 0:
            return None, f"pktmon.exe ended with {first}, so no second capture was tried."
        second = _program_code(windows, _PKTMON, *words)
    finally:
        _program_code(windows, _PKTMON, "stop")
        windows.ask((going_on("Remove-Item", LiteralPath=_ETL),))
    return ("one" if second == 1 else "other"), f"The second capture ended with {second}."


def _capture_file(windows: Windows) -> Seen:
    """Whether a capture of this Windows can be read."""
    if _bytes(windows)[0] != "one_array":
        return None, "A file comes byte by byte in this session, which a capture is too large for."
    how: dict[str, t.Any] = {"AsByteStream": True} if windows.core else {"Encoding": "Byte"}
    try:
        first = _program_code(windows, _PKTMON, "start", "--capture", "--pkt-size", "128", "-f", _ETL)
        if first != 0:
            return None, f"pktmon.exe ended with {first}."
        say_hello(windows)
        _program_code(windows, _PKTMON, "stop")
        answer = windows.asker.unkept((going_on("Get-Content", LiteralPath=_ETL, **how, Raw=True),))
    finally:
        _program_code(windows, _PKTMON, "stop")
        windows.ask((going_on("Remove-Item", LiteralPath=_ETL),))
    data = b"".join(bytes(item) if isinstance(item, (bytes, list)) else b"" for item in answer.output)
    if not data:
        return _refused(answer)
    if not etl.looks_like(data[: etl.HEADER]):
        return "not_read", f"{len(data)} bytes that are no trace."
    trace = etl.read(data[: etl.HEADER], io.BytesIO(data[etl.HEADER :]).read)
    if trace.packets:
        return "read", f"{len(data)} bytes, {len(trace.packets)} packets."
    return (None if not trace.events else "not_read"), trace.problem


def _program_code(windows: Windows, tool: str, *words: str) -> int | None:
    windows.ask((command(tool, *words),))
    answer = windows.ask((command("Get-Variable", Name="LASTEXITCODE", ValueOnly=True),))
    return next((value for value in answer.output if isinstance(value, int)), None)


def _untrusted(windows: Windows) -> Seen:
    """What curl.exe prints for a certificate that nobody has signed."""
    if windows.listener is None:
        return None, NO_LISTENER
    tool = r"C:\Windows\System32\curl.exe"
    words = ["--silent", "--head", "--ssl-no-revoke", "--stderr", "-", "--noproxy", "*", "--max-time", "10"]
    answer = windows.ask((command(tool, *words, windows.listener.url),))
    said = " ".join(str(item) for item in answer.output)
    if "0x8009" not in said:
        return None, f"curl.exe said: {said[:200]}" if said else _refused(answer)[1]
    return ("as_documented" if "0x80090325" in said else "differs"), f"curl.exe said: {said[:200]}"


def _hello_shape(windows: Windows) -> Seen:
    """Whether the hello is the one that the settings of this endpoint let expect."""
    heard, _code, why = say_hello(windows)
    if heard is None:
        return None, why
    if windows.facts is None:
        return None, "The settings could not be read."
    believed = predict(windows.facts)
    differs = []
    if not believed["open"] and [row["name"] for row in believed["suites"]] != list(heard.suites):
        differs.append("suites")
    signatures = [_SIGNATURES[name] for name in believed["signature_algorithms"] or () if name in _SIGNATURES]
    if signatures and signatures != [one for one in heard.signatures if one in _SIGNATURES.values()]:
        differs.append("signature algorithms")
    groups = [_GROUPS[name.lower()] for name in believed["curves"] or () if name.lower() in _GROUPS]
    if groups and groups != [one for one in heard.groups if one in _GROUPS.values()]:
        differs.append("groups")
    return ("differs" if differs else "as_predicted"), f"Differs in: {', '.join(differs)}." if differs else None


_SIGNATURES: t.Final = {
    "RSA/SHA1": 0x0201, "DSA/SHA1": 0x0202, "ECDSA/SHA1": 0x0203, "RSA/SHA256": 0x0401, "ECDSA/SHA256": 0x0403,
    "RSA/SHA384": 0x0501, "ECDSA/SHA384": 0x0503, "RSA/SHA512": 0x0601, "ECDSA/SHA512": 0x0603,
    "RSAE-PSS/SHA256": 0x0804, "RSAE-PSS/SHA384": 0x0805, "RSAE-PSS/SHA512": 0x0806,
}  # fmt: skip
_GROUPS: t.Final = {"nistp256": 0x0017, "nistp384": 0x0018, "nistp521": 0x0019, "curve25519": 0x001D}


def _is_there(windows: Windows, key: str) -> bool:
    return bool(_objects(windows.ask((going_on("Get-Item", LiteralPath=provider_path(key)), select("Name")))))


def _slashed_keys(windows: Windows) -> Seen:
    """Reading, listing and writing a slashed key by the provider."""
    if _is_there(windows, OUR_KEY):
        return None, f"{OUR_KEY} exists already, so it was left alone."
    try:
        windows.ask(_stdregprov("CreateKey", SLASHED))
        windows.ask(_stdregprov("SetDWORDValue", SLASHED, sValueName="Enabled", uValue=UInt32(7)))
        read = _value(windows, SLASHED, "Enabled")
        listed = windows.ask((going_on("Get-ChildItem", LiteralPath=provider_path(OUR_KEY)), select("Name")))
        names = [str(obj.get("Name")).rpartition("\\")[2] for obj in _objects(listed)]
        return ("addressed" if read == 7 and names == ["AES 128/128"] else "not_addressed"), f"Listed: {names}."
    finally:
        for key in (SLASHED, OUR_KEY):
            windows.ask(_stdregprov("DeleteKey", key))


def _list_argument(windows: Windows) -> Seen:
    if _is_there(windows, OUR_KEY):
        return None, f"{OUR_KEY} exists already, so it was left alone."
    try:
        windows.ask(_stdregprov("CreateKey", OUR_KEY))
        answer = windows.ask(_stdregprov("SetMultiStringValue", OUR_KEY, sValueName="List", sValue=["a", "b"]))
        codes = [obj.get("ReturnValue") for obj in _objects(answer)]
        kept = _value(windows, OUR_KEY, "List")
        if codes == [0] and kept == ["a", "b"]:
            return "taken", None
        return ("refused", None) if answer.refusals else (None, f"StdRegProv answered {codes}, and kept {kept}.")
    finally:
        windows.ask(_stdregprov("DeleteKey", OUR_KEY))


@contextlib.contextmanager
def _policy(windows: Windows) -> t.Iterator[str | None]:
    """A policy list of one suite for as long as it is looked at; gives why not, or None."""
    registry = RemoteRegistry(windows.asker)
    try:
        before = registry.read(POLICY_KEY, SUITES_VALUE)
    except ChangeError as error:
        yield str(error)
        return
    if before["status"] != "absent":
        yield "A policy list is set already, so it was left alone."
        return
    made = 0
    try:
        made = registry.missing_keys(POLICY_KEY)
        registry.write(POLICY_KEY, SUITES_VALUE, {"status": "ok", "type": "REG_SZ", "data": _ECDHE})
        yield None
    except ChangeError as error:
        yield str(error)
    finally:
        with contextlib.suppress(ChangeError):
            registry.write(POLICY_KEY, SUITES_VALUE, ABSENT)
            registry.remove_made_keys(POLICY_KEY, made)


def _cmdlet_shows(windows: Windows) -> Seen:
    before, answer = _suite_rows(windows)
    if len(before) < 2:
        return _refused(answer)
    with _policy(windows) as why_not:
        if why_not is not None:
            return None, why_not
        names = [row.get("Name") for row in _suite_rows(windows)[0]]
    if names == [_ECDHE]:
        return "at_once", None
    return ("after_reboot", None) if len(names) == len(before) else (None, f"The cmdlet showed {len(names)} names.")


def _cmdlets_with_policy(windows: Windows) -> Seen:
    local, match = _value(windows, LOCAL_KEY, SUITES_VALUE), release_for(windows.build, windows.kind)
    known = match.release.default if match is not None else ()
    place = next((number for number, name in enumerate(local or []) if name in known), None)
    if place is None:
        return None, "There is no local list with a suite of this release."
    with _policy(windows) as why_not:
        if why_not is not None:
            return None, why_not
        # A name that stands at its own place already: nothing is changed where the cmdlet does its work.
        answer = windows.ask((going_on("Enable-TlsCipherSuite", Name=str(local[place]), Position=UInt32(place)),))
    return ("error" if answer.refusals else "silent"), None


PROBES: tuple[Probe, ...] = (
    Probe("batch_after_error", "Statements after one that wrote an error.", _batch),
    Probe("terminating_error_runs_on", "What the client sees after a terminating error.", _terminating),
    Probe("empty_key_itemproperty", "Get-ItemProperty of a key without values.", _empty_key),
    Probe("get_content_bytes", "Get-Content of bytes with -Raw.", _bytes),
    Probe("stdregprov_missing_code", "StdRegProv and a value that does not exist.", _missing_code),
    Probe("stdregprov_wrong_type_code", "StdRegProv and a value of another type.", _wrong_type_code),
    Probe("services_denied", "Get-Service without the right to it.", _services),
    Probe("local_gpo_in_rsop", "The local policy in RSoP.", _rsop),
    Probe("tls_module_on_powershell_7", "Get-TlsCipherSuite in PowerShell 7.", _tls_module),
    Probe("cmdlet_tls13_before_windows_11", "How the cmdlet shows a TLS 1.3 name.", _tls13_shown),
    Probe("local_list_of_31", "The entries of the local list.", _local_list),
    Probe("default_suites", "The default list and curves of this release.", _defaults),
    Probe("schtasks_exit_codes", "The exit code of schtasks.exe.", _schtasks),
    Probe("jea_names", "How commands of a role answer.", _jea_names),
    Probe("constrained_method_call", "A method of a DateTime in ConstrainedLanguage.", _constrained),
    Probe("disabled_by_default_client", "An update through a TLS 1.2 that is disabled by default.", _by_default_off),
    Probe("winhttp_defaults", "An update against WinHTTP's defaults.", _winhttp_defaults),
    Probe("update_success_lines", "The log lines of a successful update.", _success_lines),
    Probe("group_policy_cmdlets", "Get-GPO for a GPO that does not exist.", _group_policy),
    Probe("client_hello_shape", "The Client Hello, against the settings.", _hello_shape),
    Probe("curl_schannel_codes", "The code for a certificate that nobody signed.", _untrusted),
    Probe("registry_slash", "Keys with a slash through the registry provider.", _slashed_keys, writes=True),
    Probe("cim_list_argument", "A list in the arguments of a CIM method.", _list_argument, writes=True),
    Probe("cmdlet_shows_policy", "When the cmdlet shows a changed policy list.", _cmdlet_shows, writes=True),
    Probe(
        "suite_cmdlets_with_policy", "Enable-TlsCipherSuite while a policy is set.", _cmdlets_with_policy, writes=True
    ),
    Probe("schtasks_encoding", "A task definition in another encoding than it says.", _task_encoding, writes=True),
    Probe("task_goes_on_after_a_failed_action", "A task whose first action fails.", _task_goes_on, writes=True),
    Probe("capture_exit_codes", "A capture while another one runs.", _captures, writes=True),
    Probe("capture_file", "A capture file of this Windows.", _capture_file, writes=True),
)


def all_probes(windows: Windows) -> list[Probe]:
    """With those that look at Client Hellos, which share what they find for all."""
    hellos = Hellos(windows)
    found = [
        Probe("policy_after_reboot", "When a changed policy list counts.", _on(hellos.policy_in_force), True),
        Probe("local_list_in_force", "When a changed local list counts.", _on(hellos.local_in_force), True),
        Probe("switch_of_suite", "Which switch takes which suites away.", _on(hellos.switches), True),
        Probe(
            "program_that_does_not_ask", "The versions of a program that asks for none.",
            _on(hellos.asks_for_nothing), True,
        ),
        *(
            Probe(one.behaviour, one.what, _on(functools.partial(hellos.look, one)), True)
            for one in EXPERIMENTS
        ),
    ]  # fmt: skip
    return [*PROBES, *found]


def _on(look: t.Callable[[], Seen]) -> t.Callable[[Windows], Seen]:
    def asked(windows: Windows) -> Seen:
        if windows.over_tls:
            return None, "This session speaks TLS itself, so its settings were left alone: observe over HTTP."
        return look()

    return asked


_DOMAIN = (
    "It needs a domain, and a GPO and a computer that nobody needs: set a value with fleetops.tetra.domain_gpo, take "
    "it away again, and audit the computer after each."
)
NOT_HERE: t.Final[dict[str, str]] = {"policy_cleanup": _DOMAIN, "set_gpregistryvalue_over_remoting": _DOMAIN}
"""What this playbook cannot settle: behaviour → why, and what can."""
