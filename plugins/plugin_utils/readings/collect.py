# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""From an endpoint to its facts document: two pipelines for a healthy one, more only where something was missing."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.fleetops.tetra.plugins.module_utils.documents import facts as d
from ansible_collections.fleetops.tetra.plugins.module_utils.facts import document as facts
from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Asker, PSObject
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings import (
    connector,
    details,
    origin,
    probe,
    survey,
    system,
    tls,
)
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.questions import NOT_ASKED, Reply, ask_all
from ansible_collections.fleetops.tetra.plugins.plugin_utils.readings.registry import (
    RegistryAnswers,
    items_question,
    listing,
)

DEFAULT_PROBE_HOST = "tetra-defs.amp.cisco.com"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True)
class ProbeOptions:
    """``host`` None: the update server of the connector's policy, else Cisco's. ``proxy``: ``auto`` (the connector
    policy's, else the machine's), ``none``, or ``host:port``."""

    host: str | None = None
    port: int | None = None
    proxy: str = "auto"
    seconds: int = 20


def collect(
    asker: Asker, host: str, collected_at: str, probe_options: ProbeOptions | None = None, as_image: bool = False
) -> d.Facts:
    """The facts document of one endpoint; with ``as_image`` they stand for the image that is made from it.

    Raises SessionError when the conversation is lost.
    """
    table = asker.version_table()
    shell = details.Shell(_text(table.get("PSVersion")), _text(table.get("PSEdition")))
    batches = shell.runs_batches
    surveyed = survey.Survey.read(ask_all(asker, survey.questions(), batches))
    _ask_again(asker, surveyed.registry, surveyed.passed_over(), batches)
    plan = details.compose(surveyed, shell, as_image)
    replies = ask_all(asker, plan.questions, batches)
    surveyed.settle(replies["names"])
    if not any(isinstance(value, PSObject) for value in replies.get("file_canary", NOT_ASKED).values):
        replies |= {name: replace(replies[name], doubt=survey.DOUBT) for name in details.FILES if name in replies}
    surveyed.take_schannel_values(replies.get("schannel_values", NOT_ASKED))
    _ask_again(asker, surveyed.schannel_values, surveyed.schannel_passed_over(), batches)
    document = read_facts(surveyed, plan, replies, shell, host, collected_at, asker.configuration())
    if as_image:
        document["source"] = "image"
    if probe_options is not None:
        target = probe_target(document, probe_options)
        answers = ask_all(asker, probe.questions(target, surveyed.system_root), batches)
        document["probe"] = probe.probe(target, answers, surveyed.build)
    return document


def _ask_again(asker: Asker, answers: RegistryAnswers, keys: t.Mapping[str, t.Sequence[str]], batches: bool) -> None:
    """Asks keys one by one where one of them may have spoilt the answer of all."""
    if not keys:
        return
    listed = listing(ask_all(asker, [items_question("names", list(keys))], batches)["names"])
    questions = answers.again(keys, listed)
    if questions:
        answers.take_again(ask_all(asker, questions, batches))


def read_facts(
    surveyed: survey.Survey,
    plan: details.Plan,
    replies: t.Mapping[str, Reply],
    shell: details.Shell,
    host: str,
    collected_at: str,
    configuration: str | None,
) -> d.Facts:
    """The facts document from the answers; no network."""
    return {
        "schema": facts.SCHEMA,
        "host": host,
        "collected_at": collected_at,
        "source": "live",
        "os": system.operating_system(surveyed, replies),
        "cipher_suites": tls.cipher_suites(surveyed, replies),
        "local_order": tls.local_order(surveyed),
        "policy_order": tls.policy_order(surveyed, replies),
        "curves": tls.curves(surveyed, replies),
        "signature_algorithms": tls.signature_algorithms(surveyed),
        "schannel": tls.schannel(surveyed, replies),
        "fips": tls.fips(surveyed),
        "policy_origin": origin.policy_origin(surveyed, plan, replies),
        "reboot": system.reboot(surveyed, replies),
        "connector": connector.connector(surveyed, plan, replies),
        "proxy": connector.proxy(surveyed, replies),
        "probe": probe.not_probed(),
        "psrp": system.psrp(surveyed, shell, configuration),
    }


def probe_target(document: d.Facts, options: ProbeOptions) -> probe.Target:
    """Where the endpoint's own handshake goes, and through which proxy."""
    server = document["connector"]["tetra"]["update_server"]
    found = _split_server(server) if isinstance(server, str) else None
    host, port = found or (DEFAULT_PROBE_HOST, 443)
    if options.host is not None:
        host, port = options.host, 443
    proxy: str | None = None
    if options.proxy == "auto":
        proxy = _known_proxy(document["proxy"])
    elif options.proxy != "none":
        proxy = options.proxy
    return probe.Target(host, options.port or port, proxy, options.seconds)


def _split_server(server: str) -> tuple[str, int] | None:
    """(host, port) of an update server as a policy writes it: a host, or a URL."""
    rest = server.partition("//")[2] if "//" in server else server
    place = rest.partition("/")[0]
    host, _colon, port = place.partition(":")
    if not is_host(host):
        return None
    return host, int(port) if port.isdigit() and 0 < int(port) < 65536 else 443


def _known_proxy(section: d.Proxy) -> str | None:
    policy = section["policy"]
    if policy["status"] == facts.OK and policy["server"]:
        found = _split_server(policy["server"])
        if found is not None:
            return f"{found[0]}:{policy['port'] or 8080}"
    server = section["winhttp"]["server"]
    if isinstance(server, str):
        for part in server.replace(" ", ";").split(";"):
            scheme, marker, place = part.rpartition("=")
            if not marker or scheme.lower() == "https":
                return place.rpartition("//")[2] or None
    return None


def is_host(text: str) -> bool:
    """Whether a text is a host name or an address, and nothing that a command line could take for more."""
    if _HOST.fullmatch(text):
        return True
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) else None
