# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""A diagnosis of one endpoint: evidence taken, causes ranked, both filed in the folder of the diagnoses.

``<host>/``: ``evidence.json``, ``diagnosis.json``, ``index.html``, ``log.txt`` and, where it is kept, ``capture.pcap``
with the connections to definition servers only. Folders and files are their owner's.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import tempfile
import typing as t
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import moment
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import document as captures
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.errors import CaptureError
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.extract import extract
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.judge import Expected
from ansible_collections.fleetops.tetra.plugins.module_utils.connector import bundle as bundles
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import ERROR, NOT_READ
from ansible_collections.fleetops.tetra.plugins.module_utils.triage import evidence as e
from ansible_collections.fleetops.tetra.plugins.module_utils.triage.rank import Diagnosis, diagnose
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.evidence_taking import Taken
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_files import RemoteFiles
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.countdown import Countdown
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded, deadline
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session import Connection, Session
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.session_failures import explain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, SessionError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import beyond_tls, event_logs
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.collect import ProbeOptions, collect, probe_target
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.diagnosis_page import write_page
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder import private, results
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.clock import now
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import update_evidence

_GRACE = 60.0


def diagnose_task(
    connection: Connection, host: str, arguments: t.Mapping[str, t.Any], check_only: bool, delegated_to: str | None
) -> dict[str, t.Any]:
    """The task's result. An endpoint that cannot be asked is a result, not a failure."""
    if delegated_to is not None:
        return _failed(f"The task is delegated to {delegated_to} in place of {host}: take delegate_to away.")
    seconds, session = float(arguments["timeout"]), Session(connection)
    try:
        with deadline(seconds + _GRACE):
            session.open()
            evidence, taken = gather_evidence(session, host, arguments, Countdown(seconds), check_only)
    except (SessionError, DeadlineExceeded) as lost:
        session.abandon()
        return _failed(str(explain(lost, session.place, seconds)))
    verdict = evaluate(evidence["facts"])
    found = diagnose(evidence, verdict)
    folder = file_diagnosis(Path(arguments["folder"]), evidence, found, taken, arguments) if not check_only else None
    return {
        "changed": False,
        "cause": found["cause"],
        "confidence": found["confidence"],
        "sentence": found["sentence"],
        "causes": [
            {"code": one["code"], "title": one["title"], "confidence": one["confidence"], "mend": one["mend"]}
            for one in found["causes"]
        ],
        "offers_tls_1_3": found["offers_tls_1_3"],
        "folder": str(folder) if folder else None,
        "msg": found["sentence"],
    }


def gather_evidence(
    asker: Asker, host: str, arguments: t.Mapping[str, t.Any], wait: t.Callable[[float], bool], check_only: bool = False
) -> tuple[e.Evidence, Taken]:
    """All evidence of an endpoint, and capture and bundle as they were taken.

    Raises SessionError when the conversation is lost.
    In check mode nothing is switched on and no update is asked for.
    """
    facts = collect(asker, host, now())
    found = e.empty_evidence(host, now(), facts)
    target = probe_target(facts, ProbeOptions(seconds=int(arguments["request_seconds"])))
    system_root = _system_root(asker)
    install_dir = facts["connector"]["install_dir"]
    sections = beyond_tls.read_beyond_tls(asker, target, system_root, install_dir, found["taken_at"])
    t.cast(t.Any, found).update(sections)
    found["network"] = {"site": arguments["site"], "subnet": None, "proxy": target.proxy}
    found["history"] = _history(asker, install_dir)
    taken = Taken(why_not="Check mode: nothing was switched on.")
    if not check_only:
        taken = update_evidence.take(asker, facts, found, system_root, arguments, wait)
        # Events of the update itself are newer than those that were read before it.
        level = found["schannel_events"]["level"]
        found["schannel_events"] = event_logs.read_events(asker, system_root, event_logs.SCHANNEL, level)
    _read_capture(found, taken, target.proxy, arguments)
    if taken.bundle_why_not is not None:
        found["notes"].append(taken.bundle_why_not)
    return found, taken


def _history(asker: Asker, install_dir: str | None) -> t.Any:
    if install_dir is None:
        return e.section("history", NOT_READ, "Where the connector lies is not known.")
    try:
        return beyond_tls.history(RemoteFiles(asker).read(f"{install_dir}\\local.xml"))
    except ChangeError as error:
        return e.section("history", ERROR, str(error))


def _system_root(asker: Asker) -> str:
    from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.windows_folders import read_folders

    return read_folders(asker).system_root


def _read_capture(found: e.Evidence, taken: Taken, proxy: str | None, arguments: t.Mapping[str, t.Any]) -> None:
    if taken.data is None:
        found["capturing"] = e.section("capturing", NOT_READ, taken.why_not or "Nothing was captured.", tool=taken.tool)
        return
    try:
        with tempfile.TemporaryDirectory(prefix="tetra-capture-") as folder:
            path = Path(folder) / "capture"
            path.write_bytes(taken.data)
            expected = Expected(issuers=tuple(arguments["issuers"] or ()))
            found["capture"] = captures.read(path, wanted(arguments), expected, found["facts"])
            found["capture"]["file"]["path"] = ""
            for judged in found["capture"]["connections"]:
                found["network"]["subnet"] = _subnet(judged["connection"]["client"])
    except CaptureError as error:
        found["capturing"] = e.section("capturing", ERROR, str(error), tool=taken.tool)
        return
    size = len(taken.data)
    found["capturing"] = e.section("capturing", tool=taken.tool, bytes=size, converted=taken.converted)


def _subnet(address: str) -> str:
    """The net that an address most likely stands in: 24 bits of IPv4, 64 of IPv6."""
    one = ipaddress.ip_address(address)
    return str(ipaddress.ip_network(f"{address}/{24 if one.version == 4 else 64}", strict=False))


def wanted(arguments: t.Mapping[str, t.Any]) -> captures.Wanted:
    """Which connections of a capture are looked at and kept."""
    addresses = frozenset(str(ipaddress.ip_address(text)) for text in arguments["addresses"] or [])
    return captures.Wanted(names=frozenset(arguments["hosts"] or []), addresses=addresses)


def file_diagnosis(
    folder: Path, evidence: e.Evidence, found: Diagnosis, taken: Taken, arguments: t.Mapping[str, t.Any]
) -> Path:
    """Writes the files of one diagnosis, for the owner alone, and takes away what was captured too long ago."""
    place = folder / encode_name(evidence["host"])
    private.make_folder(place)
    if taken.bundle is not None:
        _keep_bundle(place, evidence, taken.bundle)
    if taken.data is not None and arguments["keep_days"] > 0:
        with tempfile.TemporaryDirectory(prefix="tetra-capture-") as temporary:
            whole = Path(temporary) / "capture"
            whole.write_bytes(taken.data)
            kept = place / "capture.pcap"
            with open(kept, "wb", opener=private.for_owner) as out:
                count = extract(whole, out, wanted(arguments))
        if count:
            evidence["capturing"]["file"] = "capture.pcap"
        else:
            kept.unlink()
    results.write_json(place / "evidence.json", evidence)
    results.write_json(place / "diagnosis.json", found)
    with open(place / "log.txt", "w", encoding="utf-8", opener=private.for_owner) as out:
        out.writelines(f"{line['text']}\n" for line in evidence["update"]["lines"])
    write_page(place, evidence, found)
    forget_old(folder, int(arguments["keep_days"]))
    return place


def _keep_bundle(place: Path, evidence: e.Evidence, data: bytes) -> None:
    """Of a support bundle the logs are kept, in ``bundle/``; the rest may hold the connector's identity."""
    folder = place / "bundle"
    private.make_folder(folder)
    with tempfile.TemporaryDirectory(prefix="tetra-bundle-") as temporary:
        path = Path(temporary) / "bundle.zip"
        path.write_bytes(data)
        try:
            found = bundles.unpack(path, folder)
        except bundles.BundleError as error:
            evidence["notes"].append(str(error).replace(str(path), "The support bundle"))
            return
    for log in folder.iterdir():
        log.chmod(private.FILE_MODE)
    evidence["notes"].append(f"A support bundle of version {found['version']} was taken: its logs lie in bundle/.")


_CAPTURED: t.Final = ("capture.pcap", "evidence.json", "log.txt")


def forget_old(folder: Path, days: int) -> int:
    """Takes away what was captured for diagnoses of more than so many days ago; gives their number.

    Packets go, and so do evidence, log lines and bundles; causes stay, with a page of them alone. With 0 days packets
    are not kept at all, and the rest for one day, so that it can be looked at.
    """
    gone = 0
    for path in folder.glob("*/diagnosis.json"):
        try:
            found = t.cast(Diagnosis, json.loads(path.read_text(encoding="utf-8")))
            when = moment(found["taken_at"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        age = (datetime.now(UTC) - when).total_seconds() if when is not None else 0.0
        place = path.parent
        if age > days * 86_400:
            (place / "capture.pcap").unlink(missing_ok=True)
        if age <= max(days, 1) * 86_400 or not (place / "evidence.json").exists():
            continue
        for name in _CAPTURED:
            (place / name).unlink(missing_ok=True)
        shutil.rmtree(place / "bundle", ignore_errors=True)
        left = e.empty_evidence(found["host"], found["taken_at"])
        left["notes"] = [f"Evidence is kept for {max(days, 1)} days; it was taken away."]
        write_page(place, left, {**found, "unread": {}})
        gone += 1
    return gone


def _failed(message: str) -> dict[str, t.Any]:
    return {"changed": False, "failed": True, "msg": message, "cause": "unknown"}
