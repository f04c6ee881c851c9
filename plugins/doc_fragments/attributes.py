# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every endpoint module has in common: attributes, the connection, the options of asking."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments; ``endpoint`` also puts a module into the action group of the same name."""

    DOCUMENTATION = r"""
options: {}
"""

    ENDPOINT = r"""
options:
  timeout:
    description:
      - Seconds for the whole conversation with an endpoint, after which it counts as not answering. V(0) for no end.
      - The limits of single requests are those of the connection plugin.
    type: int
    default: 120
notes:
  - Needs the connection plugin P(ansible.builtin.psrp#connection) and C(pypsrp) 0.9 on the controller. See
    C(docs/connection.md) for its variables and for the rights that the account needs.
  - Sends cmdlets with typed parameters, never script text, so it works through a JEA session configuration and under
    Constrained Language Mode.
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
    details: The account of the connection asks.
  bypass_host_loop:
    support: none
  check_mode:
    support: full
    details: Reads only, so that check mode makes no difference.
  connection:
    support: full
  delegation:
    support: none
    details: Refused, since the answers would be filed under the wrong host.
  diff_mode:
    support: N/A
    details: Changes nothing.
  platform:
    platforms: windows
    support: full
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
"""

    ENDPOINT_CHANGE = r"""
options: {}
notes:
  - Needs the connection plugin P(ansible.builtin.psrp#connection) and C(pypsrp) 0.9 on the controller, and an account
    that may write. See C(docs/connection.md).
  - Sends cmdlets with typed parameters, never script text.
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
    details: The account of the connection writes.
  bypass_host_loop:
    support: none
  connection:
    support: full
  delegation:
    support: none
    details: Refused, since another endpoint would be changed than the one that is named.
  platform:
    platforms: windows
    support: full
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
"""

    CHANGING = r"""
options:
  results_dir:
    description:
      - Folder on the controller that takes the before-image, below C(backups). Needed outside of check mode.
    type: path
  timeout:
    description:
      - Seconds for looking at the endpoint and changing it.
    type: int
    default: 300
"""

    REBOOT_METHOD = r"""
options:
  reboot_method:
    description:
      - V(native) orders the restart by C(shutdown.exe) as a command and asks for the boot time in new sessions. It
        needs no script text.
      - V(win_reboot) leaves it to M(ansible.windows.win_reboot), which also waits for the logon prompt. It sends script
        text. Where that is refused (JEA, a strict language mode) it orders nothing, and the native way is taken; the
        result says so.
      - Without the collection C(ansible.windows) on the controller V(win_reboot) is refused before the endpoint is
        touched.
    type: str
    choices: [native, win_reboot]
    default: native
"""

    CIVIL_RESTART = r"""
options:
  reboot_countdown:
    description:
      - Seconds that whoever is logged on has to save open documents, while Windows shows the reason. Windows closes
        applications by force at the end of any countdown but V(0). Where nobody is logged on, the restart is at once.
      - With V(0) nothing is forced. Where others are logged on Windows then refuses the restart, and where an
        application keeps it from going on it is called off; in both cases it is held.
      - A restart that somebody else has announced is not raced; ours is held.
    type: int
    default: 60
  reboot_put_off:
    description:
      - With O(reboot_when=no_user), seconds for which the controller looks again where somebody is logged on. V(0)
        holds the restart at once.
    type: int
    default: 0
  reboot_then:
    description:
      - What comes when O(reboot_put_off) is over and somebody is still logged on. V(hold) leaves the restart to a later
        run, V(force) restarts with O(reboot_countdown).
    type: str
    choices: [hold, force]
    default: hold
  on_battery:
    description:
      - Whether an endpoint whose battery is discharging is restarted. V(hold) leaves that to a later run.
    type: str
    choices: [hold, restart]
    default: hold
  hook_before:
    description:
      - A command of the controller that is run before the restart, as its arguments; no shell is used. It reads the
        endpoint as one JSON object (C(host), C(when), C(run_id), C(boot_time)) on its input, and has 300 seconds.
      - Where it does not end with 0, the restart is held.
    type: list
    elements: str
    default: []
  hook_after:
    description:
      - The same once the endpoint is back. Where it does not end with 0, the result notes it.
    type: list
    elements: str
    default: []
  update_seconds:
    description:
      - Seconds beyond O(deadline) for an endpoint with Windows updates that wait for the restart.
    type: int
    default: 1800
"""

    CONTROLLER = r"""
options: {}
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
    details: Touches no endpoint, so that check mode makes no difference.
  connection:
    support: none
    details: Makes no connection.
  delegation:
    support: none
    details: Always runs on the controller.
  diff_mode:
    support: N/A
    details: Changes nothing.
  platform:
    platforms: posix
    support: full
"""

    PROBE = r"""
options:
  probe:
    description:
      - Let the endpoint make a TLS handshake itself, with the C(curl.exe) that came with Windows 10 1803. It is the
        only proof of what is in force that needs no reasoning about reboots.
    type: bool
    default: false
  probe_host:
    description:
      - Where the handshake goes. Without it, the update server of the connector's policy, else
        V(tetra-defs.amp.cisco.com).
    type: str
  probe_port:
    description:
      - The port; without it the one that belongs to the host, else 443.
    type: int
  probe_proxy:
    description:
      - V(auto) for the proxy of the connector's policy, else the machine's; V(none) for a direct way; or C(host:port).
    type: str
    default: auto
"""

    POLICY = r"""
options:
  policy:
    description:
      - How to judge. Without it, as the run says, else by the defaults.
    type: dict
    suboptions:
      allow_list:
        description: The suites that the Tetra servers accept. Default is the list that comes with the collection.
        type: list
        elements: str
      require:
        description:
          - V(any) asks for at least one usable suite of the allow-list, V(all) for every one that the release can have.
        type: str
        choices: [any, all]
        default: any
      strict:
        description: Whether an offer outside of the allow-list makes an endpoint non-compliant.
        type: bool
        default: false
      observations:
        description:
          - Observation files of real endpoints that the judgement trusts. What was seen on a
            release and build not to happen is not counted there.
        type: list
        elements: dict
        suboptions:
          file:
            description: The file on the controller.
            type: path
            required: true
          sha256:
            description: Its digest; a file without it, or with another one, is refused.
            type: str
      answers:
        description:
          - What is known of the updater and the servers, by the id of the open question.
          - C(updater_offers_tls13), C(updater_takes_winhttp_defaults) and C(server_has_tls13) are V(yes) or V(no).
          - C(server_groups) and C(server_signature_algorithms) are mappings of the lists C(accepted) and C(refused).
        type: dict
        version_added: 1.1.0
"""
