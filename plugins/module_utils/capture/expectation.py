# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The Client Hello that an endpoint's settings predict, against the one that was captured."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import some
from ansible_collections.fleetops.tetra.plugins.module_utils.capture import names
from ansible_collections.fleetops.tetra.plugins.module_utils.capture.connections import Hello
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.cipher_suites import TLS_1_3, algorithms
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.client_hello import predict


class Expectation(t.TypedDict):
    """``answer``: ``as_predicted``, ``differs``, or ``unknown`` where the settings allow more than one hello.

    ``missing`` and ``unexpected`` are suites, ``order_differs`` is about those in both; groups likewise.
    """

    answer: t.Literal["as_predicted", "differs", "unknown"]
    sentences: list[str]
    predicted_suites: list[str]
    missing: list[str]
    unexpected: list[str]
    order_differs: bool
    predicted_versions: list[int]
    versions_differ: bool
    missing_groups: list[str]
    unexpected_groups: list[str]


def hold_against(hello: Hello, facts: t.Any) -> Expectation:
    """The difference, named. Errors: ``ValueError`` and its kin where ``facts`` is no facts document."""
    told = predict(facts)
    seen = [suite["name"] for suite in hello["suites"]]
    sure = [str(suite["name"]) for suite in told["suites"]]
    perhaps = {str(suite["name"]) for suite in told["open"]}
    missing = [name for name in sure if name not in seen]
    unexpected = [name for name in seen if name not in sure and name not in perhaps]
    both = [name for name in seen if name in sure]
    order = both != [name for name in sure if name in seen]
    versions = sorted(set(hello["versions"]), reverse=True)
    predicted = [int(version) for version in told["versions"]]
    versions_differ = bool(predicted) and (TLS_1_3 in predicted) != (TLS_1_3 in versions)
    missing_groups, unexpected_groups = _groups(hello, told["curves"])
    sentences = _sentences(missing, unexpected, order, versions_differ, TLS_1_3 in versions)
    if missing_groups:
        sentences.append(f"Groups that the settings offer are missing: {some(missing_groups)}.")
    if unexpected_groups:
        sentences.append(f"Groups were offered that the settings do not: {some(unexpected_groups)}.")
    answer: t.Literal["as_predicted", "differs", "unknown"] = "differs" if sentences else "as_predicted"
    if not sentences and (perhaps or not sure):
        answer = "unknown"
        sentences = ["The settings allow more than one hello, and the one that was seen is among them."]
    if answer == "differs" and any(_explains(seen, one) for one in told["alternatives"]):
        answer, sentences = "unknown", ["More than one list may count, and the hello follows one of them."]
    return {
        "answer": answer,
        "sentences": sentences,
        "predicted_suites": sure,
        "missing": missing,
        "unexpected": unexpected,
        "order_differs": order,
        "predicted_versions": predicted,
        "versions_differ": versions_differ,
        "missing_groups": missing_groups,
        "unexpected_groups": unexpected_groups,
    }


def _sentences(missing: list[str], unexpected: list[str], order: bool, versions: bool, modern: bool) -> list[str]:
    found = []
    if missing and not unexpected and all(algorithms(name).key_exchange == "DHE" for name in missing):
        found.append("Only the DHE suites are missing: programs that use WinINet leave them out.")
    elif missing and all(algorithms(name).tls13 for name in missing) and not unexpected:
        found.append("The suites of TLS 1.3 are missing: the program does not offer that version.")
    elif missing:
        found.append(f"Suites that the settings offer are missing: {some(missing)}.")
    if unexpected:
        found.append(
            f"Suites were offered that the settings do not: {some(unexpected)}. The endpoint still uses an older list "
            "(restart pending), or the program does not use Windows' TLS."
        )
    if order and not missing and not unexpected:
        found.append("The suites come in another order than the settings have.")
    if versions:
        told = "offered, although the settings do not" if modern else "not offered, although the settings allow it"
        found.append(f"TLS 1.3 is {told}.")
    return found


def _groups(hello: Hello, curves: t.Sequence[str] | None) -> tuple[list[str], list[str]]:
    """(missing, unexpected); empty where the curves are not known or the hello names no groups."""
    if curves is None or 10 not in hello["extensions"]:
        return [], []
    wanted = {names.WINDOWS_CURVES[curve.lower()] for curve in curves if curve.lower() in names.WINDOWS_CURVES}
    seen = {group["id"] for group in hello["groups"]}
    return (
        [names.group(number) for number in sorted(wanted - seen)],
        [names.group(number) for number in sorted(seen - wanted) if number < 256],
    )


def _explains(seen: list[str], alternative: t.Mapping[str, t.Any]) -> bool:
    return seen == [suite["name"] for suite in alternative["suites"]]
