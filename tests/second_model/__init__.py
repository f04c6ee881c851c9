# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""THE RULE OF THIS FOLDER: nothing of ``lab/`` and nothing of ``plugins/`` is imported or copied here. What stands here
was written from Microsoft's pages, the recordings and ``../shared/facts`` alone, and every row names its page.

A second model of what Windows answers, beside the lab, since lab and product share their author's beliefs. It speaks
PSRP to the product's unmodified conversation (pypsrp is the other end): ``psrp.py`` the messages, ``answers.py`` the
cmdlets, ``endpoints.yml`` the machines and what an expert says of each. ``tests/unit/test_second_model.py`` puts the
product before it and before the lab, and holds the two records equal.

It does not cover: WS-Man, HTTP and log-in; errors beyond "not there" and "no right"; writing; RSoP rows and domain
GPOs; JEA and language modes; the connector's log; handshakes. Those have the lab and the real engine (tests/engine).
"""
