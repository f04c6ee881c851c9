# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""report.sarif, SARIF 2.1.0: the rules of the catalogue, and results for non-compliant and unknown endpoints.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.rules import RULES, Rule
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.catalogue import explain, objections
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import Document, Entry
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import Report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.file_names import encode_name

SCHEMA: t.Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: t.Final = {"high": "error", "medium": "warning", "low": "note", "info": "note"}
_RULE_INDEX: t.Final = {rule: number for number, rule in enumerate(RULES)}


def render(report: Report) -> t.Iterator[str]:
    """The document in pieces: one line for each result."""
    bases = {run.run_id: f"RUN{number}" for number, run in enumerate(report.fleet.runs)}
    head = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(report)},
                "invocations": [_invocation(report)],
                "originalUriBaseIds": {
                    bases[run.run_id]: {"uri": pathlib.Path(run.path).absolute().as_uri() + "/"}
                    for run in report.fleet.runs
                },
                "columnKind": "utf16CodeUnits",
            }
        ],
    }
    yield json.dumps(head, indent=1).removesuffix("\n  }\n ]\n}") + ',\n   "results": ['
    first = True
    for entry in report.entries:
        for finding in objections(entry):
            result = _result(entry, finding, bases.get(entry.run_id))
            yield ("\n" if first else ",\n") + json.dumps(result, separators=(",", ":"))
            first = False
    yield "]\n  }\n ]\n}\n"


def _driver(report: Report) -> Document:
    versions = {str(run.info.get("collection_version") or "") for run in report.fleet.runs} - {""}
    driver: Document = {
        "name": "fleetops.tetra",
        "informationUri": "https://github.com/fleetops/tetra",
        "rules": [_rule(rule) for rule in RULES.values()],
    }
    if len(versions) == 1:
        driver["version"] = versions.pop()
    return driver


def _rule(rule: Rule) -> Document:
    described: Document = {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"severity": rule.severity, "source": rule.source},
    }
    if rule.source.startswith("https://"):
        described["helpUri"] = rule.source
    return described


def _invocation(report: Report) -> Document:
    return {
        "executionSuccessful": True,
        "endTimeUtc": report.made_at,
        "toolExecutionNotifications": [
            {"level": "warning", "message": {"text": problem}} for problem in report.fleet.problems
        ],
    }


def _result(entry: Entry, finding: t.Mapping[str, t.Any], base: str | None) -> Document:
    rule = str(finding["rule"])
    path = str((finding.get("evidence") or {}).get("path") or "")
    artifact: Document = {"uri": f"hosts/{encode_name(entry.host)}.json"}
    if base is not None:
        artifact["uriBaseId"] = base
    identity = hashlib.sha256("\0".join((entry.host, rule, path)).encode("utf-8", "surrogatepass")).hexdigest()
    result: Document = {
        "ruleId": rule,
        "level": _LEVELS.get(str(finding.get("severity")), "warning"),
        "message": {"text": f"{entry.host}: {explain(finding)}\n{entry.verdict.get('next_step') or ''}".rstrip()},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": artifact},
                "logicalLocations": [{"name": entry.host, "fullyQualifiedName": entry.host, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"endpointRulePath/v1": identity},
        "properties": {"host": entry.host, "state": entry.state, "evidence": finding.get("evidence")},
    }
    if rule in _RULE_INDEX:
        result["ruleIndex"] = _RULE_INDEX[rule]
    return result
