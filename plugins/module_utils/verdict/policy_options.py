# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The options of a judgement (``docs/documents.md``, *policy*): allow-list, suites, strictness, observations."""

from __future__ import annotations

import collections.abc as c
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.observations.document import (
    Observation,
    ObservationError,
    read_list,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.open_questions import (
    NONE,
    Answers,
    AnswersError,
    read_answers,
)

_NAME = re.compile(r"[A-Z0-9_]{3,100}")
_MOST_NAMES = 200
_KEYS = ("allow_list", "require", "strict", "observations", "answers")


class OptionsError(ValueError):
    """An option has a value that cannot be meant. The message is one sentence."""


@dataclass(frozen=True)
class Options:
    """``require``: ``any`` (one accepted suite is enough) or ``all`` (every one that the release can have).
    ``strict``: an offer outside the list makes the endpoint non-compliant."""

    allow_list: tuple[str, ...] = ALLOW_LIST
    require: str = "any"
    strict: bool = False
    observations: tuple[Observation, ...] = ()
    """What real endpoints were seen to do; worlds that they rule out are not counted (``observations/worlds.py``)."""
    answers: Answers = NONE
    """What is known of updater and servers (``schannel/open_questions.py``)."""


DEFAULT = Options()


def read_options(policy: t.Any) -> Options:
    """A policy mapping (or ``None``) → options. Raises OptionsError."""
    if policy is None:
        return DEFAULT
    if not isinstance(policy, c.Mapping):
        raise OptionsError("The policy must be a mapping with allow_list, require, strict, observations and answers.")
    unknown = sorted(str(key) for key in policy if key not in _KEYS)
    if unknown:
        raise OptionsError(f"The policy has no option {unknown[0][:60]!r}; there are {', '.join(_KEYS)}.")
    require = policy.get("require")
    require = "any" if require is None else require
    if require not in ("any", "all"):
        raise OptionsError("The option require must be any or all.")
    strict = policy.get("strict")
    strict = False if strict is None else strict
    if not isinstance(strict, bool):
        raise OptionsError("The option strict must be true or false.")
    try:
        observations = read_list(policy.get("observations"))
        answers = read_answers(policy.get("answers"))
    except (ObservationError, AnswersError) as error:
        raise OptionsError(str(error)) from None
    return Options(_read_names(policy.get("allow_list")), str(require), strict, observations, answers)


def _read_names(names: t.Any) -> tuple[str, ...]:
    if names is None:
        return ALLOW_LIST
    if not isinstance(names, (list, tuple)) or not names:
        raise OptionsError("The option allow_list must be a list of at least one cipher suite name.")
    if len(names) > _MOST_NAMES:
        raise OptionsError(f"The option allow_list has {len(names)} names; {_MOST_NAMES} are the most.")
    for name in names:
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            shown = repr(name)[:60] if isinstance(name, str) else type(name).__name__
            raise OptionsError(f"The option allow_list holds {shown}, which is no cipher suite name (TLS_...).")
    return tuple(dict.fromkeys(str(name) for name in names))
