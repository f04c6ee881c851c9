# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: answers by position, errors by command and target, and nothing that slips."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import (
    Answer,
    AnswerError,
    Refusal,
    Statement,
    command,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import Question, Reply, ask_all

MISSING = Refusal("ObjectNotFound", "CommandNotFoundException", None, "Get-B")
DENIED = Refusal("PermissionDenied", "System.Security.SecurityException,X", "Get-A", "HKEY_LOCAL_MACHINE\\A")

A = Question("a", (command("Test\\Get-A", LiteralPath="HKEY_LOCAL_MACHINE\\A"),), frozenset({"hkey_local_machine\\a"}))
B = Question("b", (command("Test\\Get-B"),))
C = Question("c", (command("Test\\Get-C"),))


class Endpoint:
    """Runs statements by a table from command name to output, errors, or an exception that ends the pipeline."""

    def __init__(self, table: dict[str, t.Any], drops: frozenset[str] = frozenset()) -> None:
        self.table = table
        self.drops = drops
        self.pipelines: list[list[str]] = []

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        names = [statement[0].name.rpartition("\\")[2] for statement in statements]
        self.pipelines.append([name for name in names if name != "Write-Output"])
        output: list[t.Any] = []
        refusals: list[Refusal] = []
        for statement in statements:
            name = statement[0].name.rpartition("\\")[2]
            if name == "Write-Output":
                tag = dict(statement[0].parameters)["InputObject"]
                if tag not in self.drops:
                    output.append(tag)
                continue
            effect = self.table[name]
            if isinstance(effect, AnswerError):
                raise effect
            for item in effect:
                if item == "stop":
                    return Answer(output, refusals, failed=True)
                (refusals if isinstance(item, Refusal) else output).append(item)
        return Answer(output, refusals)

    def version_table(self) -> dict[str, t.Any]:
        return {}

    def configuration(self) -> str | None:
        return None


def test_a_healthy_batch_is_one_pipeline() -> None:
    endpoint = Endpoint({"Get-A": [1, 2], "Get-B": [], "Get-C": [3]})
    replies = ask_all(endpoint, [A, B, C])
    assert endpoint.pipelines == [["Get-A", "Get-B", "Get-C"]]
    assert [replies[name].values for name in "abc"] == [[1, 2], [], [3]]
    assert all(reply.complete for reply in replies.values())


def test_an_error_goes_to_the_question_that_it_names() -> None:
    endpoint = Endpoint({"Get-A": [DENIED], "Get-B": [1], "Get-C": []})
    replies = ask_all(endpoint, [A, B, C])
    assert len(endpoint.pipelines) == 1
    assert replies["a"].refusals == [DENIED]
    assert replies["a"].failure() == (facts.DENIED, f"The account may not read it: {DENIED.sentence()}")
    assert replies["c"].refusals == []


def test_a_missing_command_ends_the_batch_and_the_rest_is_asked_again_together() -> None:
    endpoint = Endpoint({"Get-A": [1], "Get-B": [MISSING, "stop"], "Get-C": [3]})
    replies = ask_all(endpoint, [A, B, C])
    assert endpoint.pipelines == [["Get-A", "Get-B", "Get-C"], ["Get-C"]]
    assert replies["b"].why_not()[0] == facts.UNSUPPORTED
    assert replies["c"].values == [3]


def test_a_missing_command_that_does_not_end_the_batch_costs_nothing() -> None:
    endpoint = Endpoint({"Get-A": [1], "Get-B": [MISSING], "Get-C": [3]})
    replies = ask_all(endpoint, [A, B, C])
    assert len(endpoint.pipelines) == 1
    assert replies["b"].failure() == (facts.UNSUPPORTED, "The endpoint does not have Get-B.")


def test_a_batch_cut_short_without_a_word_is_noticed() -> None:
    endpoint = Endpoint({"Get-A": [1], "Get-B": ["stop"], "Get-C": [3]})
    replies = ask_all(endpoint, [A, B, C])
    assert replies["b"].failure() == (facts.ERROR, "The endpoint gave no answer to this question.")
    assert not replies["b"].complete
    assert replies["c"].values == [3]


def test_output_between_lost_markers_is_believed_by_nobody() -> None:
    endpoint = Endpoint({"Get-A": [1], "Get-B": [2], "Get-C": [3]}, drops=frozenset({"fleetops.tetra:b"}))
    replies = ask_all(endpoint, [A, B, C])
    assert replies["c"] == Reply([3], [], complete=True)
    assert endpoint.pipelines[0] == ["Get-A", "Get-B", "Get-C"]
    assert ["Get-C"] in endpoint.pipelines


def test_as_many_errors_as_questions_of_a_command_are_shared_out_in_order() -> None:
    one = Refusal("PermissionDenied", "HRESULT 0x80041003,X", "Get-D", "first")
    other = Refusal("PermissionDenied", "HRESULT 0x80041003,X", "Get-D", "second")
    questions = [Question("d1", (command("Test\\Get-D"),)), Question("d2", (command("Test\\Get-D"),))]
    endpoint = Endpoint({"Get-D": [one]})
    endpoint.table["Get-D"] = [one]
    replies = ask_all(endpoint, questions)
    assert len(endpoint.pipelines) == 1
    assert [replies[name].refusals for name in ("d1", "d2")] == [[one], [one]]
    assert other.is_denied


def test_an_error_that_fits_no_question_makes_the_silent_ones_uncertain() -> None:
    stray = Refusal("NotSpecified", "SomethingElse", "Some-Proxy", None)
    endpoint = Endpoint({"Get-A": [1, stray], "Get-B": [], "Get-C": [3]})
    replies = ask_all(endpoint, [A, B, C])
    assert ["Get-B"] in endpoint.pipelines
    assert replies["b"].complete
    assert replies["a"].values == [1]


def test_an_unreadable_answer_loses_only_its_own_question() -> None:
    endpoint = Endpoint({"Get-A": [1], "Get-B": AnswerError("An answer is not CLIXML."), "Get-C": [3]})
    replies = ask_all(endpoint, [A, B, C])
    assert replies["b"].failure() == (facts.ERROR, "An answer is not CLIXML.")
    assert replies["a"].values == [1]
    assert replies["c"].values == [3]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_it_comes_to_an_end_when_nothing_is_ever_answered(size: int) -> None:
    endpoint = Endpoint({"Get-A": ["stop"], "Get-B": ["stop"], "Get-C": ["stop"]})
    replies = ask_all(endpoint, [A, B, C][:size])
    assert all(reply.failure() is not None for reply in replies.values())
    assert len(endpoint.pipelines) <= 2 * size
