# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of domain GPOs on a management host: found, read, written with nothing beside them touched, put back; and an
endpoint that follows."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.fleetops.tetra.lab.machine import domains
from ansible_collections.fleetops.tetra.lab.machine.registry import MULTI_SZ, SZ, Value
from ansible_collections.fleetops.tetra.plugins.module_utils.facts.document import POLICY_KEY
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes import followed_gpo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.before_images import BeforeImageStore
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.domain_policy import DomainPolicy, WantedSetting
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.errors import ChangeError, NotWritable
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.gpo_value import DISABLED, GpoValues
from ansible_collections.fleetops.tetra.plugins.plugin_utils.changes.remote_registry import ABSENT, State
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.deadline import DeadlineExceeded
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Answer, Statement
from ansible_collections.fleetops.tetra.tests.unit.lab_session import Breaking, Fresh, Late, Windows

DOMAIN = "unit.example"
BAD, GOOD = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CURVES = Value(MULTI_SZ, ("NistP256", "NistP384"))


def text(data: str) -> State:
    return {"status": "ok", "type": "REG_SZ", "data": data}


@pytest.fixture
def gpo() -> t.Iterator[domains.DomainGpo]:
    """A GPO that sets the list of suites, and the curves beside it."""
    domains.forget()
    made = domains.domain(DOMAIN).gpo("Baseline")
    made.set(POLICY_KEY, "Functions", Value(SZ, BAD))
    made.set(POLICY_KEY, "EccCurves", CURVES)
    yield made
    domains.forget()


@pytest.fixture
def host(windows: Fresh, gpo: domains.DomainGpo) -> Windows:
    return windows(release="2022", domain=DOMAIN, gpo_management=True)


def held(gpo: domains.DomainGpo, name: str = "Functions") -> t.Any:
    setting = gpo.values.get((POLICY_KEY.lower(), name.lower()))
    return None if setting is None else setting[2]


def test_a_gpo_is_found_by_name_and_by_guid(host: Windows, gpo: domains.DomainGpo) -> None:
    values = GpoValues(host.session)
    for given in ("Baseline", "baseline", gpo.guid, gpo.guid.strip("{}").lower()):
        found = values.find(given)
        assert (found.name, found.guid, found.domain) == ("Baseline", gpo.guid, DOMAIN)
    assert host.unmatched == []


def test_values_are_read_written_and_taken_away(host: Windows, gpo: domains.DomainGpo) -> None:
    values = GpoValues(host.session)
    found = values.find("Baseline")
    assert values.read(found, POLICY_KEY, "Functions") == text(BAD)
    curves = {"status": "ok", "type": "REG_MULTI_SZ", "data": ["NistP256", "NistP384"]}
    assert values.read(found, POLICY_KEY, "EccCurves") == curves
    assert values.read(found, POLICY_KEY + "\\Below", "Functions") == ABSENT
    assert values.write(found, POLICY_KEY, "Functions", text(GOOD))
    assert held(gpo) == Value(SZ, GOOD)
    assert not values.write(found, POLICY_KEY, "Functions", text(GOOD)), "a second time there is nothing to write"
    assert values.write(found, POLICY_KEY, "Functions", dict(ABSENT))
    assert (held(gpo), held(gpo, "EccCurves")) == (None, CURVES)
    assert not values.write(found, POLICY_KEY, "Functions", dict(ABSENT))
    assert values.write(found, POLICY_KEY, "EccCurves", {**curves, "data": ["NistP384"]})
    assert held(gpo, "EccCurves") == Value(MULTI_SZ, ("NistP384",))
    assert host.unmatched == []


def test_disabled_and_not_configured_are_two_things(host: Windows, gpo: domains.DomainGpo) -> None:
    gpo.set(POLICY_KEY, "Functions", None)
    values = GpoValues(host.session)
    found = values.find("Baseline")
    assert values.read(found, POLICY_KEY, "Functions") == DISABLED
    assert values.write(found, POLICY_KEY, "Functions", dict(ABSENT))
    assert (POLICY_KEY.lower(), "functions") not in gpo.values
    assert values.write(found, POLICY_KEY, "Functions", dict(DISABLED))
    assert gpo.values[POLICY_KEY.lower(), "functions"][2] is None


def code_of(call: t.Callable[[], object]) -> str:
    with pytest.raises(ChangeError) as failure:
        call()
    assert str(failure.value).endswith((".", "wins here."))
    return failure.value.code


def test_what_is_refused(windows: Fresh, host: Windows, gpo: domains.DomainGpo) -> None:
    values = GpoValues(host.session)
    assert code_of(lambda: values.find("Nowhere")) == "no_gpo"
    assert code_of(lambda: values.find("{00000000-0000-0000-0000-000000000000}")) == "no_gpo"
    assert code_of(lambda: GpoValues(host.session, "elsewhere.example").find("Baseline")) == "no_gpo"
    found = values.find("Baseline")
    number = {"status": "ok", "type": "REG_DWORD", "data": 1}
    assert code_of(lambda: values.write(found, POLICY_KEY, "Functions", number)) == "wrong_type"
    gpo.status = "ComputerSettingsDisabled"
    assert code_of(lambda: values.find("Baseline")) == "gpo_off"
    gpo.status = "UserSettingsDisabled"
    assert values.find("Baseline").guid == gpo.guid
    plain = windows(release="2022", domain=DOMAIN)
    assert code_of(lambda: GpoValues(plain.session).find("Baseline")) == "no_module"


def test_an_account_without_the_right_changes_nothing(windows: Fresh, gpo: domains.DomainGpo) -> None:
    reader = windows(release="2022", domain=DOMAIN, gpo_management=True, account="filtered")
    values = GpoValues(reader.session)
    with pytest.raises(NotWritable, match="the account has no right to it"):
        values.write(values.find("Baseline"), POLICY_KEY, "Functions", text(GOOD))
    assert held(gpo) == Value(SZ, BAD)


class _Careless:
    """A management host whose Set-GPRegistryValue loses the other values of the key."""

    def __init__(self, windows: Windows, gpo: domains.DomainGpo) -> None:
        self._windows = windows
        self._gpo = gpo

    def ask(self, statements: t.Sequence[Statement]) -> Answer:
        answer = self._windows.session.ask(statements)
        if ("ValueName", "Functions") in statements[0][0].parameters:
            self._gpo.remove(POLICY_KEY, "EccCurves")
        return answer

    def version_table(self) -> dict[str, t.Any]:
        return {}

    def configuration(self) -> str | None:
        return None


def test_a_write_that_touches_another_value_is_undone(host: Windows, gpo: domains.DomainGpo) -> None:
    values = GpoValues(_Careless(host, gpo))
    found = values.find("Baseline")
    assert code_of(lambda: values.write(found, POLICY_KEY, "Functions", text(GOOD))) == "neighbour_touched"
    assert (held(gpo), held(gpo, "EccCurves")) == (Value(SZ, BAD), CURVES), "what was lost beside it is back as well"


# The operation ------------------------------------------------------------------------------------------------------


@pytest.fixture
def policy(host: Windows, tmp_path: pathlib.Path) -> DomainPolicy:
    return DomainPolicy(host.endpoint, "gpo-admin", BeforeImageStore(tmp_path), "run", "token")


def wish(after: State, **more: t.Any) -> WantedSetting:
    return WantedSetting("Baseline", POLICY_KEY, "Functions", after, **more)


def test_a_change_has_a_before_image_on_both_disks_and_is_put_back_exactly(
    policy: DomainPolicy, host: Windows, gpo: domains.DomainGpo, tmp_path: pathlib.Path
) -> None:
    looked = policy.look(wish(text(GOOD), expected=text(BAD)))
    assert looked.is_to_change and gpo.version == 3, "looking changes nothing"
    image = policy.change(looked)
    assert held(gpo) == Value(SZ, GOOD)
    (item,) = image.items
    assert (item["kind"], item["guid"], item["domain"]) == ("gpo_value", gpo.guid, DOMAIN)
    assert (item["before"], item["after"]) == (text(BAD), text(GOOD))
    copy = rf"C:\ProgramData\fleetops.tetra\domain-gpos\{image.id}.json"
    assert host.file(copy) is not None
    store = BeforeImageStore(tmp_path)
    assert (store.hosts(), store.unrestored("gpo-admin")) == ([], []), "no rollback of an endpoint takes it up"
    images = store.unrestored("gpo-admin", of_gpos=True)
    assert [one["outcome"] for one in policy.restore(images, check_only=True)] == ["restored"]
    assert held(gpo) == Value(SZ, GOOD)
    assert [one["outcome"] for one in policy.restore(images)] == ["restored"]
    assert (held(gpo), held(gpo, "EccCurves")) == (Value(SZ, BAD), CURVES)
    assert store.unrestored("gpo-admin", of_gpos=True) == []
    assert host.file(copy) is None
    assert [one["outcome"] for one in policy.restore(images)] == ["already_as_before"]


def test_a_policy_that_was_disabled_is_disabled_again_unless_somebody_changed_it(
    policy: DomainPolicy, gpo: domains.DomainGpo, tmp_path: pathlib.Path
) -> None:
    gpo.set(POLICY_KEY, "Functions", None)
    image = policy.change(policy.look(wish(text(GOOD))))
    gpo.set(POLICY_KEY, "Functions", Value(SZ, BAD))
    assert [one["outcome"] for one in policy.restore([image])] == ["kept_changed_since"]
    assert BeforeImageStore(tmp_path).unrestored("gpo-admin", of_gpos=True) == [image]
    gpo.set(POLICY_KEY, "Functions", Value(SZ, GOOD))
    assert [one["outcome"] for one in policy.restore([image])] == ["restored"]
    assert gpo.values[POLICY_KEY.lower(), "functions"][2] is None


def test_a_gpo_that_was_changed_meanwhile_is_left_alone_unless_its_value_will_do(
    policy: DomainPolicy, gpo: domains.DomainGpo
) -> None:
    gpo.set(POLICY_KEY, "Functions", Value(SZ, f"{GOOD},{BAD}"))
    assert code_of(lambda: policy.look(wish(text(GOOD), expected=text(BAD)))) == "changed_meanwhile"
    looked = policy.look(wish(text(GOOD), expected=text(BAD), will_do=lambda state: GOOD in state["data"]))
    assert (looked.is_to_change, looked.after) == (False, text(f"{GOOD},{BAD}"))
    gpo.set(POLICY_KEY, "Functions", Value(SZ, GOOD))
    assert not policy.look(wish(text(GOOD), expected=text(BAD))).is_to_change


def test_what_somebody_sets_between_look_and_write_is_kept(policy: DomainPolicy, gpo: domains.DomainGpo) -> None:
    looked = policy.look(wish(text(GOOD), expected=text(BAD)))
    gpo.set(POLICY_KEY, "Functions", Value(SZ, f"{GOOD},{BAD}"))
    assert code_of(lambda: policy.change(looked)) == "changed_meanwhile"
    assert held(gpo) == Value(SZ, f"{GOOD},{BAD}")


# Following ----------------------------------------------------------------------------------------------------------

STEP = {
    "path": POLICY_KEY,
    "name": "Functions",
    "owner": {"kind": "domain_gpo", "name": "Baseline", "guid": "{G}"},
    "after": text(GOOD),
}


def governed(windows: Fresh, **mapping: t.Any) -> Windows:
    return windows(domain=DOMAIN, policy=BAD, origin={"kind": "domain_gpo", "gpo": "Baseline"}, **mapping)


def test_an_endpoint_follows_after_a_refresh(windows: Fresh, gpo: domains.DomainGpo) -> None:
    pc = governed(windows)
    gpo.set(POLICY_KEY, "Functions", Value(SZ, GOOD))
    assert followed_gpo.follow(pc.endpoint, r"C:\Windows", [STEP], lambda _seconds: pytest.fail("no wait is needed"))
    assert pc.value(POLICY_KEY, "Functions") == Value(SZ, GOOD)
    no_refresh = Breaking(pc, lambda name, _given: name.endswith("gpupdate.exe"), after=False)
    assert not followed_gpo.follow(no_refresh, r"C:\Windows", [STEP], lambda _seconds: False)
    assert no_refresh.left == 1, "what has followed is not refreshed again"


def test_the_refresh_is_repeated_until_the_domain_controller_has_the_change(
    windows: Fresh, gpo: domains.DomainGpo
) -> None:
    pc = governed(windows, replication_seconds="never")
    gpo.set(POLICY_KEY, "Functions", Value(SZ, GOOD))
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 3:
            pc.state.replication_seconds = 0
        return True

    assert followed_gpo.follow(pc.endpoint, r"C:\Windows", [STEP], wait)
    assert waits == [1.0, 2.0, 4.0]
    assert pc.value(POLICY_KEY, "Functions") == Value(SZ, GOOD)


def test_a_connection_that_breaks_during_the_refresh_is_begun_anew(windows: Fresh, gpo: domains.DomainGpo) -> None:
    pc = governed(windows)
    gpo.set(POLICY_KEY, "Functions", Value(SZ, GOOD))
    breaking = Breaking(pc, lambda name, _given: name.endswith("gpupdate.exe"), after=False)
    waits: list[float] = []
    assert followed_gpo.follow(breaking, r"C:\Windows", [STEP], lambda seconds: not waits.append(seconds))
    assert (breaking.renewed, waits) == (1, [5.0, 1.0])
    assert pc.value(POLICY_KEY, "Functions") == Value(SZ, GOOD)


def test_an_endpoint_that_does_not_follow_is_told_with_its_gpo(windows: Fresh, gpo: domains.DomainGpo) -> None:
    pc = governed(windows, refresh="ignored")
    gpo.set(POLICY_KEY, "Functions", Value(SZ, GOOD))
    with pytest.raises(ChangeError, match=r"The GPO Baseline \{G\} was changed, but Functions did not follow") as error:
        followed_gpo.follow(pc.endpoint, r"C:\Windows", [STEP], lambda _seconds: False)
    assert error.value.code == followed_gpo.NOT_FOLLOWED
    assert pc.value(POLICY_KEY, "Functions") == Value(SZ, BAD)


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_that_breaks_once_while_writing_costs_nothing(
    host: Windows, gpo: domains.DomainGpo, tmp_path: pathlib.Path, after: bool
) -> None:
    broken = Breaking(host, lambda name, _given: name == "Set-GPRegistryValue", after)
    policy = DomainPolicy(broken, "gpo-admin", BeforeImageStore(tmp_path), "run", "token", wait=lambda _seconds: True)
    policy.change(policy.look(wish(text(GOOD))))
    assert held(gpo) == Value(SZ, GOOD)
    (image,) = BeforeImageStore(tmp_path).unrestored("gpo-admin", of_gpos=True)
    assert [one["outcome"] for one in policy.restore([image])] == ["restored"]
    assert held(gpo) == Value(SZ, BAD)


def test_a_gpo_of_which_no_more_is_heard_after_the_write_is_put_back_by_a_second_command(
    host: Windows, gpo: domains.DomainGpo, tmp_path: pathlib.Path
) -> None:
    lost = Breaking(host, lambda name, _given: name == "Set-GPRegistryValue" or held(gpo) != Value(SZ, BAD), True, 99)
    policy = DomainPolicy(lost, "gpo-admin", BeforeImageStore(tmp_path), "run", "token", wait=lambda _seconds: False)
    looked = policy.look(wish(text(GOOD)))
    with pytest.raises(ChangeError, match=r"The connection broke.* It could not be undone"):
        policy.change(looked)
    assert held(gpo) == Value(SZ, GOOD), "only the answer was lost"
    lost.left = 0
    (image,) = BeforeImageStore(tmp_path).unrestored("gpo-admin", of_gpos=True)
    assert [one["outcome"] for one in policy.restore([image])] == ["restored"]
    assert held(gpo) == Value(SZ, BAD)


def test_a_gpo_whose_task_runs_out_of_time_after_the_write_is_put_back_at_once(
    host: Windows, gpo: domains.DomainGpo, tmp_path: pathlib.Path
) -> None:
    late = Late(host, lambda name: name == "Set-GPRegistryValue")
    policy = DomainPolicy(late, "gpo-admin", BeforeImageStore(tmp_path), "run", "token", wait=lambda _seconds: False)
    with pytest.raises(DeadlineExceeded):
        policy.change(policy.look(wish(text(GOOD))))
    assert held(gpo) == Value(SZ, BAD)
    assert BeforeImageStore(tmp_path).unrestored("gpo-admin", of_gpos=True) == []
