# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a real domain, held against what Samba itself says of the same computers."""

from __future__ import annotations

import collections
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.fleetops.tetra.plugins.module_utils.domain.applied import chain_of
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.forecast import Forecast
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import Domain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.errors import DirectoryError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.ldap import LdapSession
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.log_on import LogOn
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.read_domain import read_domain
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.sysvol import SysvolReader
from ansible_collections.fleetops.tetra.tests.domain.conftest import RunningDomain
from ansible_collections.fleetops.tetra.tests.domain.layouts import FILTERED, LAYOUTS, computer_of


@pytest.fixture(scope="module")
def read(domain: RunningDomain) -> Domain:
    who = LogOn(domain.user, domain.password, "simple")
    name, ca_file = domain.controller.name, str(domain.controller.ca_file)
    with LdapSession(name, who, "ldaps", ca_file) as ldap, SysvolReader(name, who) as sysvol:
        return read_domain(ldap, sysvol)


def applied(read: Domain, name: str) -> list[str]:
    (computer,) = (each for each in read.computers if each.name == name)
    return [each.gpo.name for each in chain_of(read, computer).applied if not each.gpo.name.startswith("Default ")]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gives_the_order_of_microsofts_rules(read: Domain, name: str) -> None:
    expected = [f"{name}-{letter}" for letter in LAYOUTS[name][2].split()]
    assert applied(read, computer_of(name)) == expected


@pytest.mark.parametrize("name", FILTERED)
def test_a_filter_counts(read: Domain, name: str) -> None:
    _gpo, _groups, applies = FILTERED[name]
    assert applied(read, computer_of(f"f-{name}")) == ([f"f-{name}"] if applies else [])
    (computer,) = (each for each in read.computers if each.name == computer_of(f"f-{name}"))
    forecast = Forecast(read).of(computer)
    assert forecast["prediction"] == ("fails_by_policy" if applies else "not_stopped"), forecast


# "samba-tool gpo list" (4.17, samba/netcmd/gpo.py) asks whether the account may read a GPO, not whether it may apply
# it, and looks at the half for users ("GPOs for user PC$"): so these differ, by name → (theirs, ours).
KNOWN_DIFFERENCES: dict[str, tuple[list[str], list[str]]] = {
    "f-nobody": (["f-nobody"], []),
    "f-controllers": (["f-controllers"], []),
    "f-denied": (["f-denied"], []),
    "f-half-off": (["f-half-off"], []),
    "f-user-off": ([], ["f-user-off"]),
}


def test_samba_names_the_same_gpos(domain: RunningDomain, read: Domain) -> None:
    """``samba-tool gpo list`` for every computer: an independent answer. It lists the nearest container first, within
    one in the order of gPLink, and enforced links like others: so its order says something without these only."""
    administrator = f"administrator%{domain.controller.password}"
    differences = {}
    for name in [*LAYOUTS, *(f"f-{name}" for name in FILTERED)]:
        arguments = [f"{computer_of(name)}$", "-H", f"ldap://{domain.controller.address}", "-U", administrator]
        said = domain.controller.tool("gpo", "list", *arguments)
        theirs = re.findall(r"^\s+(?!Default )(\S.*?) \{[0-9A-F-]{36}\}", said, re.MULTILINE)
        ours = applied(read, computer_of(name))[::-1]
        in_order = not any("!" in value or " " in value for value in LAYOUTS.get(name, ({}, "", ""))[0].values())
        if theirs != ours if in_order else sorted(theirs) != sorted(ours):
            differences[name] = (theirs, ours)
    assert differences == KNOWN_DIFFERENCES


@pytest.mark.parametrize(
    ("transport", "method"),
    [("ldaps", "simple"), ("starttls", "simple"), ("ldap", "ntlm"), ("ldap", "negotiate")],
)
def test_ways_to_log_on(domain: RunningDomain, transport: t.Any, method: str) -> None:
    who = LogOn(domain.user, domain.password, method)
    with LdapSession(domain.controller.name, who, transport, str(domain.controller.ca_file)) as ldap:
        assert ldap.root().text("defaultNamingContext") == "DC=lab,DC=test"
        assert (
            len(list(ldap.search("DC=lab,DC=test", "(objectClass=computer)", ["cn"])))
            == len(LAYOUTS) + len(FILTERED) + 1
        )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"password": "wrong"}, "dc1.lab.test refused the log-on: "),
        ({"ca": None}, "The certificate of dc1.lab.test, port 636 is not trusted: "),
        (
            {"transport": "ldap"},
            "A simple log-on to dc1.lab.test would send the password in clear: take the transport ldaps.",
        ),
        ({"password": None}, "A simple log-on to dc1.lab.test needs a user and a password."),
        ({"port": 1}, "There is no conversation with dc1.lab.test, port 1: Connection refused."),
    ],
)
def test_what_goes_wrong_is_one_sentence(domain: RunningDomain, given: dict[str, t.Any], sentence: str) -> None:
    who = LogOn(domain.user, given.get("password", domain.password), "simple")
    ca_file = given.get("ca", str(domain.controller.ca_file))
    session = LdapSession(domain.controller.name, who, given.get("transport", "ldaps"), ca_file, port=given.get("port"))
    with pytest.raises(DirectoryError) as raised:
        session.__enter__()
    assert str(raised.value).startswith(sentence), str(raised.value)
    assert domain.password not in str(raised.value)


def test_a_base_of_another_domain_is_not_followed(domain: RunningDomain) -> None:
    who = LogOn(domain.user, domain.password, "simple")
    with LdapSession(domain.controller.name, who, "ldaps", str(domain.controller.ca_file)) as ldap:
        rows = ldap.search("DC=elsewhere,DC=test", "(objectClass=*)", ["cn"])
        with pytest.raises(DirectoryError, match=r"refers the search|refused the search"):
            list(rows)


def test_the_example_of_the_module(domain: RunningDomain, checkout: Path, tmp_path: Path) -> None:
    """``ansible localhost -m``, inside the domain's network, as an ordinary user; no secret at -vvvvv."""
    arguments = {
        "server": domain.controller.name,
        "ca_file": str(domain.controller.ca_file),
        "user": domain.user,
        "password": domain.password,
        "method": "simple",
        "stale_days": 36500,
        "json": str(tmp_path / "domain.json"),
    }
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-vvvvv",
        "-m",
        "fleetops.tetra.domain_policy_info",
        "-a",
        json.dumps(arguments),
    ]
    done = subprocess.run(
        ["ip", "netns", "exec", domain.controller.namespace, *command],
        cwd=checkout,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    written = json.loads((tmp_path / "domain.json").read_text(encoding="utf-8"))
    predictions = collections.Counter(each["prediction"] for each in written["computers"])
    failing = sorted(each["name"] for each in written["computers"] if each["prediction"] == "fails_by_policy")
    assert failing == sorted(computer_of(f"f-{name}") for name, (_gpo, _groups, applies) in FILTERED.items() if applies)
    assert predictions["not_windows"] == 1, "Samba itself"
    codes = collections.Counter(each["code"] for each in written["findings"])
    assert codes["filtered_to_nobody"] == 1
    assert codes["computer_half_off"] == 2
