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
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import (
    CURVES_VALUE,
    LOCAL_KEY,
    POLICY_KEY,
    SCHANNEL_KEY,
    SUITES_VALUE,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.windows_releases import release_for
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import RemoteRegistry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    Asker,
    PSObject,
    Statement,
    UInt32,
    command,
)
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


@dataclass
class Windows:
    """The endpoint that is asked, and what it was found to be."""

    asker: Asker
    build: int
    kind: str
    core: bool

    def ask(self, *statements: Statement) -> Answer:
        return self.asker.ask(statements)


Seen = tuple[str | None, str | None]
"""(variant, or None; why nothing was settled, or what was seen)"""


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
    return None, f"After a binding error in the first statement the client saw {len(answer.output)} of 2 outputs."


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
    return None, f"The local list has {len(names)} entries."


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
    name = windows.asker.configuration()
    return None, f"This session is {name or 'the default'}; names of a role are seen in one of its own (docs/jea)."


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
            registry.write(POLICY_KEY, SUITES_VALUE, {"status": "absent"})
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
    Probe("terminating_error_ends_all", "What the client sees after a terminating error.", _terminating),
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
    Probe("registry_slash", "Keys with a slash through the registry provider.", _slashed_keys, writes=True),
    Probe("cim_list_argument", "A list in the arguments of a CIM method.", _list_argument, writes=True),
    Probe("cmdlet_shows_policy", "When the cmdlet shows a changed policy list.", _cmdlet_shows, writes=True),
    Probe(
        "suite_cmdlets_with_policy", "Enable-TlsCipherSuite while a policy is set.", _cmdlets_with_policy, writes=True
    ),
)

_HELLO = "It shows in the Client Hello of a program, after a restart: capture one (fleetops.tetra.capture_info)."
_DOMAIN = "It needs a domain and its management host."
_SERVER = "It shows in handshakes with a server of one's own."
_NOTED = "It shows only while a definition update runs."
NOT_HERE: t.Final[dict[str, str]] = {
    "client_hello_shape": _HELLO,
    "local_list_in_force": _HELLO,
    "policy_multi_sz": _HELLO,
    "policy_expand_sz": _HELLO,
    "policy_empty": _HELLO,
    "policy_spaces": _HELLO,
    "policy_trailing_comma": _HELLO,
    "policy_over_1023": _HELLO,
    "policy_duplicates": _HELLO,
    "policy_name_case": _HELLO,
    "suffixed_names_on_10": _HELLO,
    "disabled_by_default_client": _HELLO,
    "winhttp_defaults": "It shows in the Client Hello of a program that uses WinHTTP and asks for no protocol.",
    "mdm_minimum_tls": _HELLO,
    "signature_list": _HELLO,
    "enabled_one_for_algorithms": _HELLO,
    "switch_of_suite": _HELLO,
    "pkcs_off_kills_ecdhe_rsa": _SERVER,
    "tls13_needs_ecdh": _SERVER,
    "hash_switch_for_tls13": _SERVER,
    "hash_off_and_signatures": _SERVER,
    "curves_empty": _HELLO,
    "curves_local_value": _HELLO,
    "policy_cleanup": _DOMAIN,
    "group_policy_cmdlets": _DOMAIN,
    "set_gpregistryvalue_over_remoting": _DOMAIN,
    "schtasks_encoding": "It needs a task to be registered, which could outlive the observation.",
    "task_goes_on_after_a_failed_action": "It needs a task to be registered, which could outlive the observation.",
    "constrained_method_call": "It shows in a session of ConstrainedLanguage.",
    "update_success_lines": _NOTED,
    "curl_schannel_codes": _SERVER,
    "capture_exit_codes": "It needs packets to be captured: fleetops.tetra.diagnose does.",
    "capture_file": "It needs packets to be captured: fleetops.tetra.diagnose does.",
}
"""What this playbook cannot settle: behaviour → why, and what can."""
