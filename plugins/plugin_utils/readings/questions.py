# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Questions in batches, and answers that cannot slip.

Every question of a batch is followed by a marker of its own, so its output is known by position and a batch that was
cut short is noticed. Errors come on a stream of their own; they are given to the question whose command and target they
name. What cannot be given to one question for certain is asked again, alone; what has no answer then is an error, never
an absence.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.cmdlets import bare
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    AnswerError,
    Asker,
    PSObject,
    Refusal,
    Statement,
    command,
    plain_target,
)

_MARKER = "fleetops.tetra:"


@dataclass(frozen=True)
class Question:
    """``targets``: what its errors may name (paths, keys, classes), in lower case, without a provider in front."""

    name: str
    statement: Statement
    targets: frozenset[str] = frozenset()

    def names_target(self, refusal: Refusal) -> bool:
        return plain_target(refusal.target) in self.targets

    def names_command(self, refusal: Refusal) -> bool:
        named = refusal.target if refusal.is_missing_command else refusal.command
        return named is not None and bare(named) in {bare(part.name) for part in self.statement}


@dataclass(frozen=True)
class Reply:
    """What one question gave. ``complete``: the endpoint went on to the next one. That proves nothing about what is
    not in ``values``: a refusal proves an absence where it names one of ``targets``, and only without a ``doubt``."""

    values: list[t.Any] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    complete: bool = False
    unreadable: str | None = None
    targets: frozenset[str] = frozenset()
    doubt: str | None = None
    """Why this session's word that something is missing does not count."""

    def failure(self) -> tuple[d.Status, str] | None:
        """(status, reason) where the question as a whole was refused; None where it was answered."""
        if self.complete and not (self.refusals and not self.values):
            return None
        return self.why_not()

    def why_not(self) -> tuple[d.Status, str]:
        """(status, reason) by the first refusal, for a question that was not answered."""
        if self.unreadable is not None:
            return facts.ERROR, self.unreadable
        if not self.refusals:
            return facts.ERROR, "The endpoint gave no answer to this question."
        return self.status_of(self.refusals[0])

    def status_of(self, refusal: Refusal) -> tuple[d.Status, str]:
        """The status and reason of what was asked for by the error that stands for it."""
        if refusal.is_denied:
            return facts.DENIED, f"The account may not read it: {refusal.sentence()}"
        if refusal.is_missing_command:
            return facts.UNSUPPORTED, f"The endpoint does not have {refusal.target or 'the command'}."
        if refusal.proves_absence(self.targets):
            absent: tuple[d.Status, str] = (facts.ABSENT, f"It does not exist: {refusal.sentence()}")
            return (facts.ERROR, self.doubt) if self.doubt else absent
        return facts.ERROR, f"The endpoint answered with an error: {refusal.sentence()}"

    def refused(self, target: str) -> tuple[d.Status, str] | None:
        """(status, reason) by the first refusal that names one target, in any case."""
        named = (refusal for refusal in self.refusals if plain_target(refusal.target) == target.lower())
        return next(map(self.status_of, named), None)


NOT_ASKED = Reply(unreadable="This question was not asked.")


def ask_all(asker: Asker, questions: t.Sequence[Question], batches: bool = True) -> dict[str, Reply]:
    """The reply to every question, by name; as few pipelines as the endpoint allows.

    ``batches`` is false for PowerShell 2.0, which runs the first statement of a pipeline only. Raises SessionError when
    the conversation is lost.
    """
    if not batches:
        return {question.name: _alone(asker, question) for question in questions}
    replies: dict[str, Reply] = {}
    pending = list(questions)
    while pending:
        answered = _one_pipeline(asker, pending)
        replies.update(answered)
        pending = [question for question in pending if question.name not in answered]
    return replies


def _one_pipeline(asker: Asker, pending: list[Question]) -> dict[str, Reply]:
    """Replies that are certain, at least one: where a batch settled nothing, its first question is asked alone."""
    if len(pending) == 1:
        return {pending[0].name: _alone(asker, pending[0])}
    try:
        answer = asker.ask([part for question in pending for part in (question.statement, _marker(question))])
    except AnswerError:
        # One of the answers cannot be read: which one, only asking one by one can tell.
        return {question.name: _alone(asker, question) for question in pending}
    found = split(pending, answer)
    if not found:
        return {pending[0].name: _alone(asker, pending[0])}
    return found


def _alone(asker: Asker, question: Question) -> Reply:
    """Asked without a marker: PowerShell 2.0 runs one statement only, and some sessions stop after any error."""
    try:
        answer = asker.ask([question.statement])
    except AnswerError as error:
        return Reply(unreadable=str(error))
    if not _has_its_shape(question, answer.output):
        return Reply(unreadable="The endpoint answered with something else than was asked for.")
    return Reply(list(answer.output), list(answer.refusals), not answer.failed, targets=question.targets)


def _has_its_shape(question: Question, output: t.Iterable[t.Any]) -> bool:
    """A statement that ends with a selection of properties gives objects, and nothing else."""
    last = question.statement[-1]
    if bare(last.name) != "select-object" or all(name != "Property" for name, _value in last.parameters):
        return True
    return all(isinstance(value, (PSObject, list)) for value in output)


def split(questions: t.Sequence[Question], answer: Answer) -> dict[str, Reply]:
    """The replies of a batch that are certain; a question without one has to be asked again."""
    values: dict[str, list[t.Any]] = {}
    collected: list[t.Any] = []
    waiting = list(questions)
    for value in answer.output:
        if not (isinstance(value, str) and value.startswith(_MARKER)):
            collected.append(value)
            continue
        name = value.removeprefix(_MARKER)
        position = next((index for index, question in enumerate(waiting) if question.name == name), None)
        if position is None:
            continue
        if position == 0:
            values[name] = collected
        # Where the markers of questions in between are missing, the output may be theirs: nothing of it is certain.
        collected = []
        del waiting[: position + 1]
    return _with_refusals(questions, answer, values)


def _with_refusals(questions: t.Sequence[Question], answer: Answer, values: dict[str, list[t.Any]]) -> dict[str, Reply]:
    refusals: dict[str, list[Refusal]] = {question.name: [] for question in questions}
    shared: dict[tuple[str, ...], list[Refusal]] = {}
    missing: dict[str, Reply] = {}
    uncertain: set[str] = set()
    for refusal in answer.refusals:
        owners = _owners(questions, refusal)
        if len(owners) == 1:
            refusals[owners[0]].append(refusal)
            if refusal.is_missing_command and owners[0] not in values:
                missing[owners[0]] = Reply([], [refusal])
        elif owners:
            shared.setdefault(tuple(owners), []).append(refusal)
        else:
            uncertain.update(question.name for question in questions if not values.get(question.name))
    for names, group in shared.items():
        empty = [name for name in names if name in values and not values[name]]
        if len(empty) == len(group):
            # As many errors as questions of that command without output, in the same order.
            for name, refusal in zip(empty, group, strict=True):
                refusals[name].append(refusal)
        else:
            uncertain.update(names)
    targets = {question.name: question.targets for question in questions}
    replies = {
        name: Reply(found, refusals[name], True, targets=targets[name])
        for name, found in values.items()
        if name not in uncertain
    }
    return {**missing, **replies}


def _owners(questions: t.Sequence[Question], refusal: Refusal) -> list[str]:
    """The names of the questions that an error may belong to: by its target, then by its command."""
    found = [question for question in questions if question.names_target(refusal)]
    by_command = [question for question in found or questions if question.names_command(refusal)]
    return [question.name for question in by_command or found]


def _marker(question: Question) -> Statement:
    return (command("Write-Output", InputObject=_MARKER + question.name),)
