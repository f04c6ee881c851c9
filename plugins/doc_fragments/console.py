# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everything that asks the console has in common: address, credentials, limits."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of ``plugin_utils/console/access.py``."""

    DOCUMENTATION = r"""
options:
  region:
    description: Which of Cisco's clouds the organization is in.
    type: str
    choices: [nam, eu, apjc]
    default: nam
  base_url:
    description:
      - A base address of one's own, such as a private cloud or a gateway, instead of O(region).
      - Must be C(https), since credentials go there; C(http) is taken for loopback only.
    type: str
  token_url:
    description: Where version 3 begins to log on, if not where O(region) or O(base_url) say.
    type: str
  client_id:
    description:
      - Client id of version 1 of the API (console, API Credentials). A read-only scope is enough.
      - The environment variable E(TETRA_CONSOLE_CLIENT_ID) is used where neither this nor O(credentials_file) says it.
    type: str
  api_key:
    description: The key of O(client_id). Environment E(TETRA_CONSOLE_API_KEY).
    type: str
  v3_client_id:
    description: Client id of version 3, used for policies. Environment E(TETRA_CONSOLE_V3_CLIENT_ID).
    type: str
  v3_secret:
    description: The secret of O(v3_client_id). Environment E(TETRA_CONSOLE_V3_SECRET).
    type: str
  organization:
    description: Identifier of the organization for version 3. Needed only where the credentials reach several.
    type: str
  credentials_file:
    description:
      - A YAML or JSON file with C(client_id), C(api_key), C(v3_client_id), C(v3_secret). Ansible Vault may encrypt it.
    type: path
  proxy:
    description:
      - Address of an HTTP proxy. Without it, what the environment says; an empty text for none.
    type: str
  ca_cert:
    description: File of the CA to trust, instead of the system's.
    type: path
  timeout:
    description: Seconds for everything, pauses for a spent quota included.
    type: int
    default: 600
  read_timeout:
    description: Seconds that the console may be silent within one request.
    type: int
    default: 60
  tries:
    description: How often one request is tried again after a fault that passes (429, 5xx, a lost connection).
    type: int
    default: 4
"""
