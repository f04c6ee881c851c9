# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The Client Hello that an ordinary Schannel program of an endpoint sends: suites in order, versions, curves.

It follows the configuration. ``in_force`` of a verdict says whether that is already what the endpoint uses.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers import reasons as r
from ansible_collections.fleetops.tetra.plugins.module_utils.answers.kleene import YES
from ansible_collections.fleetops.tetra.plugins.module_utils.documents.verdict import Answer
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.after_steps import apply_steps
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.reading import read_facts
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import cipher_suites
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.curves import offered_curves
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.effective import Endpoint
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.open_questions import read_answers
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.signatures import offered_signatures

VERSIONS = (cipher_suites.TLS_1_3, cipher_suites.TLS_1_2)


class PlanError(ValueError):
    """The plan cannot be applied. The message is one sentence."""


def predict(document: t.Any, plan: t.Any = None, answers: t.Any = None) -> dict[str, t.Any]:
    """Facts, and a plan or its steps, → the Client Hello now, or after the plan and a reboot.

    ``{host, suites: [{name, id, hex}], versions: [772, 771], version_names, curves: [names] | None,
    signature_algorithms: [names] | None, open: [{name, id, hex}], alternatives: [{list, suites, versions}], notes}``.
    ``suites`` are offered for sure, ``open`` ones perhaps; ``curves`` and ``signature_algorithms`` are ``None`` where
    more than one list is possible. ``alternatives``: where more than one list of suites may count, the offer by each
    (``list``: policy, local, default, cmdlet). ``answers``: to open questions, as a policy has them. Raises PlanError,
    AnswersError.
    """
    facts = read_facts(document)
    steps = _steps(plan)
    if steps:
        try:
            facts = read_facts(apply_steps(facts, steps))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise PlanError(f"The plan cannot be applied to these facts: {r.text(str(error))[:200]}") from error
    endpoint = Endpoint(facts, None, read_answers(answers))
    offers = [(reading.kind, dict(endpoint.offered(reading))) for reading in endpoint.sources.readings]
    sure, perhaps = _in_common([offer for _kind, offer in offers], endpoint.sources.unread is not None)
    versions = _versions(sure)
    curves = offered_curves(facts, endpoint.release)
    signatures = offered_signatures(facts, endpoint.release)
    return {
        "host": facts["host"],
        "suites": cipher_suites.describe(sure),
        "versions": versions,
        "version_names": [cipher_suites.PROTOCOL_NAMES[version] for version in versions],
        "curves": None if curves is None else [r.text(name) for name in curves],
        "signature_algorithms": None if signatures is None else [r.text(name) for name in signatures],
        "open": cipher_suites.describe(r.text(name) for name in perhaps),
        "alternatives": [_alternative(kind, offer) for kind, offer in offers] if len(offers) > 1 else [],
        "notes": endpoint.findings.notes,
    }


def _in_common(offers: list[dict[str, Answer]], unread: bool) -> tuple[list[str], list[str]]:
    """What is offered by every reading for sure, and what is offered only perhaps."""
    if unread or not offers:
        return [], list(dict.fromkeys(name for offer in offers for name in offer))
    sure = [name for name in offers[0] if all(offer.get(name) == YES for offer in offers)]
    perhaps = dict.fromkeys(name for offer in offers for name in offer if name not in sure)
    return sure, list(perhaps)


def _alternative(kind: str, offer: dict[str, Answer]) -> dict[str, t.Any]:
    names = [name for name, answer in offer.items() if answer == YES]
    return {"list": kind, "suites": cipher_suites.describe(names), "versions": _versions(names)}


def _versions(names: c.Collection[str]) -> list[int]:
    """The protocol versions that the suites need, highest first."""
    modern = {cipher_suites.algorithms(name).tls13 for name in names}
    return [version for version in VERSIONS if (version == cipher_suites.TLS_1_3) in modern]


def _steps(plan: t.Any) -> list[t.Any]:
    if plan is None:
        return []
    steps = plan.get("steps") if isinstance(plan, c.Mapping) else plan
    if not isinstance(steps, (list, tuple)) or not all(isinstance(step, c.Mapping) for step in steps):
        raise PlanError("The plan must be a plan document or a list of its steps.")
    return list(steps)
