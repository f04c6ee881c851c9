# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pypsrp, unmodified, against the server: what it opens, asks and gets."""

from __future__ import annotations

import typing as t

import pytest
from pypsrp.complex_objects import ObjectMeta, PSInvocationState, RunspacePoolState
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.serializer import TaggedValue

from tests.unit.lab.server.conftest import Start
from tests.unit.lab.server.echo import RECORDED, ask, client

WAYS = {
    "basic over http": {"scheme": "http", "auth": ["basic"]},
    "ntlm over http, sealed": {"scheme": "http", "auth": ["ntlm"], "allow_unencrypted": False},
    "negotiate over http, sealed": {"scheme": "http", "auth": ["negotiate"], "allow_unencrypted": False},
    "basic over https": {"scheme": "https", "auth": ["basic"]},
    "ntlm over https": {"scheme": "https", "auth": ["ntlm"]},
    "negotiate over https": {"scheme": "https", "auth": ["negotiate"]},
    "ntlm over https with channel binding": {"scheme": "https", "auth": ["ntlm"], "channel_binding": "strict"},
}


@pytest.mark.parametrize("transport", WAYS.values(), ids=WAYS)
def test_every_way_in_runs_a_pipeline(start: Start, transport: dict[str, t.Any]) -> None:
    fleet = start(one=transport)
    with RunspacePool(client(fleet, "one")) as pool:
        assert pool.state == RunspacePoolState.OPENED
        assert ask(pool, "Get-Parameters").output == ["()"]
    assert fleet.counters["one"]["refused_logons"] == 0


def test_messages_sealed_inside_tls(start: Start) -> None:
    fleet = start(one={"scheme": "https", "auth": ["ntlm"]})
    with RunspacePool(client(fleet, "one", encryption="always")) as pool:
        assert ask(pool, "Get-Parameters").output == ["()"]


def test_the_version_table_and_the_protocol_come_with_the_runspace(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        announced: t.Any = pool.application_private_data
        table = announced.data["PSVersionTable"]
        assert table["PSVersion"] == "5.1.17763.1"
        assert table["PSEdition"] == "Desktop"
        assert (pool.protocol_version, pool.ps_version) == ("2.3", "2.0")
        assert pool.connection.max_envelope_size == 512000


@pytest.mark.parametrize(
    ("transport", "expected"), [("basic over http", 8), ("ntlm over https", 10), ("negotiate over http, sealed", 11)]
)
def test_two_pipelines_cost_this_many_requests(start: Start, transport: str, expected: int) -> None:
    fleet = start(one=WAYS[transport])
    with RunspacePool(client(fleet, "one")) as pool:
        ask(pool, "Get-Parameters")
        ask(pool, "Get-Parameters")
    assert fleet.requests["one"] == expected
    assert fleet.counters["one"]["connections"] == 1


def test_objects_keep_their_types(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        (obj,) = ask(pool, "Get-Object").output
    assert obj.types[0] == "Selected.Thing"
    assert obj.extended_properties == {
        "Name": "TLS_AES_128_GCM_SHA256",
        "CipherSuite": 0x1301,
        "Protocols": [771, 772],
    }


def test_recorded_clixml_is_sent_byte_for_byte(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        fragmenter: t.Any = pool._fragmenter
        fragmenter.serializer = _Raw()
        (raw,) = ask(pool, "Get-Recorded").output
    assert raw.encode() == RECORDED


def test_null_is_output_too(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        assert ask(pool, "Get-Null", "Get-Parameters").output == [None, "()"]


def test_parameters_arrive_as_plain_values(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pipeline = PowerShell(pool).add_cmdlet("Get-Parameters")
        pipeline.add_parameter("Switch").add_parameter("Text", "a'b\"c\n€").add_parameter("Bytes", b"\x00\xff")
        pipeline.add_parameter("Unsigned", TaggedValue("U32", 2147483650)).add_parameter("List", ["a", 1, None, True])
        pipeline.add_parameter("Table", {"hDefKey": TaggedValue("U32", 5), "s": "x"}).add_argument("positional")
        (said,) = pipeline.invoke()
    assert said == repr(
        (
            ("Switch", None),
            ("Text", "a'b\"c\n€"),
            ("Bytes", b"\x00\xff"),
            ("Unsigned", 2147483650),
            ("List", ["a", 1, None, True]),
            ("Table", {"hDefKey": 5, "s": "x"}),
            (None, "positional"),
        )
    )


def test_statements_and_pipes_arrive_as_they_were_built(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pipeline = PowerShell(pool).add_cmdlet("Get-Parameters").merge_error("output").add_cmdlet("Get-Null")
        pipeline.add_statement().add_cmdlet("Get-Object")
        pipeline.invoke()
    (statements,) = fleet.machines["one"].statements  # type: ignore[attr-defined]
    assert [[command.name for command in statement] for statement in statements] == [
        ["Get-Parameters", "Get-Null"],
        ["Get-Object"],
    ]
    assert [command.merge_errors for command in statements[0]] == [True, False]


def test_an_error_record_says_what_windows_says(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pipeline = ask(pool, "Get-ItemProperty", "Get-Parameters")
    assert pipeline.output == ["()"]
    assert pipeline.state == PSInvocationState.COMPLETED
    record: t.Any = pipeline.streams.error[0]
    assert len(pipeline.streams.error) == 1
    assert str(record) == "Cannot find path 'HKLM:\\Nowhere' because it does not exist."
    assert record.fq_error == "PathNotFound,Microsoft.PowerShell.Commands.GetItemPropertyCommand"
    assert (record.category, record.reason, record.activity) == (13, "ItemNotFoundException", "Get-ItemProperty")
    assert (record.target_name, record.target_type, record.target_object) == (
        "HKLM:\\Nowhere",
        "String",
        "HKLM:\\Nowhere",
    )
    assert record.message == "ObjectNotFound: (HKLM:\\Nowhere:String) [Get-ItemProperty], ItemNotFoundException"
    assert record.exception.adapted_properties["Message"] == str(record)
    assert record.exception.types[0] == "System.Management.Automation.ItemNotFoundException"


def test_a_terminating_error_ends_the_pipeline_and_its_later_statements(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pipeline = ask(pool, "Get-Parameters", "Get-Nothing", "Get-Parameters")
        assert pipeline.output == ["()"]
        assert (pipeline.state, pipeline.had_errors) == (PSInvocationState.FAILED, True)
        assert pipeline.streams.error[0].fq_error == "CommandNotFoundException"
        assert ask(pool, "Get-Parameters").output == ["()"], "the runspace goes on"


def test_a_bug_of_the_machine_is_an_error_and_no_hang(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pipeline = ask(pool, "Break")
    assert pipeline.state == PSInvocationState.FAILED
    assert pipeline.streams.error[0].fq_error == "LabFailure"


def test_large_outputs_come_in_fragments(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        assert ask(pool, "Get-Large").output == ["y" * 300_000]
        many = ask(pool, "Get-Many").output
    assert len(many) == 3000
    assert [line[:5] for line in many] == [f"{number:05}" for number in range(3000)]


def test_waiting_outlives_the_operation_timeout(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one", operation_timeout=1)) as pool:
        pipeline = PowerShell(pool).add_cmdlet("Start-Sleep").add_parameter("Seconds", 1.4)
        pipeline.add_statement().add_cmdlet("Get-Parameters")
        assert pipeline.invoke() == ["()"]
    assert fleet.requests["one"] == 7, "one Receive ended with the TimedOut fault"


def test_blocking_work_gives_its_result_to_the_machine(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        assert ask(pool, "Test-Handshake").output == ["worked True"]


def test_a_running_pipeline_can_be_stopped(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pipeline = PowerShell(pool).add_cmdlet("Start-Sleep").add_parameter("Seconds", 60.0)
        pipeline.begin_invoke()
        pipeline.stop()
        assert pipeline.state == PSInvocationState.STOPPED
        assert ask(pool, "Get-Parameters").output == ["()"]


def test_scripts_with_input_and_an_exit_code(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        script: t.Any = PowerShell(pool).add_script("echo input")
        assert script.invoke(["line one", "line two"]) == ["['line one', 'line two']"]
        unknown: t.Any = PowerShell(pool).add_script("Get-Whatever | Out-Null")
        assert unknown.invoke(["input that nobody reads"]) == []
        assert unknown.state == PSInvocationState.FAILED


def test_a_protocol_2_1_server_runs_the_first_statement_only(start: Start) -> None:
    fleet = start(one={})
    machine: t.Any = fleet.machines["one"]
    machine.version_table["PSRemotingProtocolVersion"] = "2.1"
    with RunspacePool(client(fleet, "one")) as pool:
        assert pool.protocol_version == "2.1"
        assert ask(pool, "Get-Parameters", "Get-Parameters").output == ["()"]


def test_secure_strings_after_a_key_exchange(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one")) as pool:
        pool.exchange_keys()
        secret = pool.serialize("s3cret", ObjectMeta("SS"))
        pipeline = PowerShell(pool).add_cmdlet("Get-Parameters").add_parameter("Password", secret)
        (said,) = pipeline.invoke()
    assert "Password" in said


def test_runspace_counts_and_liveness(start: Start) -> None:
    fleet = start(one={})
    with RunspacePool(client(fleet, "one"), max_runspaces=1) as pool:
        assert pool.get_available_runspaces() == 1
        pool.max_runspaces = 3
        pool.reset_runspace_state()
        assert pool.is_alive()
        pool.connection.update_max_payload_size()
        assert pool.connection.max_envelope_size == 500 * 1024


def test_another_session_configuration(start: Start) -> None:
    fleet = start(one={"configurations": ["TetraAudit"]})
    with RunspacePool(client(fleet, "one"), configuration_name="tetraaudit") as pool:
        ask(pool, "Get-Parameters")
    (caller,) = fleet.machines["one"].callers  # type: ignore[attr-defined]
    assert caller.configuration == "TetraAudit"
    with pytest.raises(WSManFaultError, match="was not found in the WS-Management catalog"):
        RunspacePool(client(fleet, "one")).open()


def test_access_denied_to_the_configuration(start: Start) -> None:
    fleet = start(one={"faults": ["access_denied"]})
    with pytest.raises(WSManFaultError, match="Access is denied") as refused:
        RunspacePool(client(fleet, "one")).open()
    assert refused.value.code == 5


def test_an_unknown_shell_and_an_unknown_command_are_told_apart(start: Start) -> None:
    fleet = start(one={})
    pool = RunspacePool(client(fleet, "one"))
    pool.open()
    with pytest.raises(WSManFaultError, match="command identifier that does not exist"):
        pool.shell.receive("stdout", command_id="00000000-0000-0000-0000-000000000001")
    pool.close()
    other = RunspacePool(client(fleet, "one"))
    other.shell.id = other.id
    other.shell._selector_set = pool.shell._selector_set
    with pytest.raises(WSManFaultError) as gone:
        other.shell.receive("stdout")
    assert gone.value.code == 2150858843


@pytest.mark.parametrize(
    "transport", [WAYS["basic over http"], WAYS["ntlm over http, sealed"], WAYS["negotiate over https"]]
)
def test_a_wrong_password_is_an_authentication_error(start: Start, transport: dict[str, t.Any]) -> None:
    fleet = start(one={**transport, "faults": ["wrong_password"]})
    with pytest.raises(AuthenticationError):
        RunspacePool(client(fleet, "one")).open()
    assert fleet.counters["one"]["refused_logons"] == 1


def test_a_wrong_user_is_an_authentication_error(start: Start) -> None:
    fleet = start(one={"auth": ["basic", "ntlm"], "user": "LAB\\auditor"})
    for auth in ("basic", "ntlm"):
        with pytest.raises(AuthenticationError):
            RunspacePool(client(fleet, "one", auth=auth, username="somebody", encryption="never")).open()
        with RunspacePool(client(fleet, "one", auth=auth, encryption="never")) as pool:
            assert ask(pool, "Get-Parameters").output == ["()"]


def test_channel_binding_strict_refuses_a_client_without_it(start: Start) -> None:
    fleet = start(
        strict={"scheme": "https", "auth": ["ntlm"], "channel_binding": "strict"},
        relaxed={"scheme": "https", "auth": ["ntlm"]},
    )
    with pytest.raises(AuthenticationError):
        RunspacePool(client(fleet, "strict", negotiate_send_cbt=False)).open()
    with RunspacePool(client(fleet, "relaxed", negotiate_send_cbt=False)) as pool:
        assert ask(pool, "Get-Parameters").output == ["()"]


def test_what_allow_unencrypted_false_refuses(start: Start) -> None:
    fleet = start(one={"auth": ["negotiate", "basic"], "allow_unencrypted": False})
    with pytest.raises(WinRMTransportError) as plain:
        RunspacePool(client(fleet, "one", encryption="never")).open()
    assert plain.value.code == 500
    with pytest.raises(AuthenticationError):
        RunspacePool(client(fleet, "one", auth="basic")).open()


class _Raw:
    """A stand-in for pypsrp's deserialiser of outputs: hands over the CLIXML as it came."""

    def deserialize(self, value: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        from pypsrp.serializer import Serializer

        return (
            value
            if isinstance(value, str) and "Recorded" in value
            else Serializer().deserialize(value, *args, **kwargs)
        )

    def serialize(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        from pypsrp.serializer import Serializer

        return Serializer().serialize(*args, **kwargs)
