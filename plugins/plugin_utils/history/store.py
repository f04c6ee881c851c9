# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The store: runs, endpoints, spans of equal states, and counts a run. By SQLAlchemy, so SQLite or PostgreSQL.

Spans are written only where something changed, so a year of weekly runs costs little more than one. Run folders stay
the truth: a store can be thrown away and made anew from them.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.history.spans import ABSENT, Run, Span, State

try:
    import sqlalchemy as sa

    SQLALCHEMY_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    SQLALCHEMY_IMPORT_ERROR = exc

VERSION: t.Final = 1


class HistoryError(Exception):
    """The store could not be read or written. The text is one sentence without a password."""


class Tally(t.NamedTuple):
    """How many endpoints were in one state at a run."""

    seq: int
    is_: State
    number: int


class Store:
    """One store. Everything within ``begin()`` is written whole or not at all."""

    def __init__(self, address: str) -> None:
        """``address``: a path (SQLite) or an address as SQLAlchemy writes it. Errors: HistoryError."""
        if SQLALCHEMY_IMPORT_ERROR is not None:
            raise HistoryError(
                "History needs the Python library SQLAlchemy 2 on the controller; install it with pip."
            ) from SQLALCHEMY_IMPORT_ERROR
        self._tables = _tables()
        try:
            if "://" in address:
                self._engine = sa.create_engine(address)
            else:
                path = Path(address).expanduser()
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if not path.exists():
                    path.touch(mode=0o600)
                self._engine = sa.create_engine(f"sqlite:///{path}")
        except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
            raise HistoryError(f"The store's address cannot be used: {type(error).__name__}.") from None
        except OSError as error:
            raise HistoryError(f"The store {address} cannot be made: {error.strerror}.") from None
        self.name = self._engine.url.render_as_string(hide_password=True)
        with self.begin() as connection:
            self._check(connection)

    def close(self) -> None:
        """Gives back every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction. Errors of the database become HistoryError."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise HistoryError(_sentence(self.name, error)) from None

    def runs(self, connection: sa.Connection) -> list[Run]:
        """All runs, in the order of their begin."""
        table = self._tables["runs"]
        columns = (table.c.seq, table.c.run_id, table.c.started_at, table.c.playbook)
        return [Run(*row) for row in connection.execute(sa.select(*columns).order_by(table.c.seq))]

    def tokens(self, connection: sa.Connection) -> set[str]:
        """Tokens of the runs that are in."""
        return set(connection.execute(sa.select(self._tables["runs"].c.token)).scalars())

    def newest_token(self, connection: sa.Connection) -> str | None:
        """The token of the newest run; ``None`` where there is none."""
        table = self._tables["runs"]
        query = sa.select(table.c.token).order_by(table.c.seq.desc()).limit(1)
        found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def add_run(self, connection: sa.Connection, run_id: str, token: str, started_at: str, playbook: str) -> int:
        """A new run's number."""
        table = self._tables["runs"]
        seq = int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.seq), 0))).scalar_one()) + 1
        connection.execute(
            sa.insert(table).values(seq=seq, run_id=run_id, token=token, started_at=started_at, playbook=playbook)
        )
        return seq

    def lasting(self, connection: sa.Connection) -> dict[str, tuple[int, int, State]]:
        """Endpoint -> (its number, its lasting span's number, what it is)."""
        hosts, spans = self._tables["hosts"], self._tables["spans"]
        query = sa.select(
            hosts.c.name,
            hosts.c.id,
            spans.c.id,
            spans.c.state,
            spans.c.cause,
            spans.c.owner,
            spans.c.release,
            spans.c.site,
        ).join_from(spans, hosts, spans.c.host == hosts.c.id)
        return {
            row[0]: (row[1], row[2], State(*row[3:])) for row in connection.execute(query.where(spans.c.last.is_(None)))
        }

    def change(
        self, connection: sa.Connection, seq: int, ended: list[int], begun: list[tuple[int | None, str, State]]
    ) -> None:
        """Ends spans with the run before ``seq`` and begins others; an endpoint without a number is new."""
        hosts, spans = self._tables["hosts"], self._tables["spans"]
        if ended:
            connection.execute(
                sa.update(spans).where(spans.c.id == sa.bindparam("span")).values(last=seq - 1),
                [{"span": number} for number in ended],
            )
        new = [{"name": name} for number, name, _state in begun if number is None]
        numbers: dict[str, int] = {}
        if new:
            connection.execute(sa.insert(hosts), new)
            numbers = {row[0]: row[1] for row in connection.execute(sa.select(hosts.c.name, hosts.c.id))}
        if begun:
            connection.execute(
                sa.insert(spans),
                [
                    {"host": numbers[name] if number is None else number, "first": seq, **state._asdict()}
                    for number, name, state in begun
                ],
            )

    def count(self, connection: sa.Connection, seq: int, tallies: t.Mapping[State, int]) -> None:
        """Keeps how many were what at a run."""
        if tallies:
            rows = [{"seq": seq, "number": number, **state._asdict()} for state, number in tallies.items()]
            connection.execute(sa.insert(self._tables["tallies"]), rows)

    def tallies(self, connection: sa.Connection) -> list[Tally]:
        """All counts, by run."""
        table = self._tables["tallies"]
        columns = (
            table.c.seq,
            table.c.state,
            table.c.cause,
            table.c.owner,
            table.c.release,
            table.c.site,
            table.c.number,
        )
        return [
            Tally(row[0], State(*row[1:6]), row[6])
            for row in connection.execute(sa.select(*columns).order_by(table.c.seq))
        ]

    def spans(
        self, connection: sa.Connection, host: str | None = None, ever: str | None = None
    ) -> dict[str, list[Span]]:
        """Endpoint -> its spans: of one endpoint, of those that were ever in a state, or of all."""
        hosts, spans = self._tables["hosts"], self._tables["spans"]
        query = sa.select(
            hosts.c.name, spans.c.first, spans.c.last, spans.c.state, spans.c.cause, spans.c.owner, spans.c.release,
            spans.c.site,
        ).join_from(spans, hosts, spans.c.host == hosts.c.id)  # fmt: skip
        if host is not None:
            query = query.where(hosts.c.name == host)
        if ever is not None:
            query = query.where(spans.c.host.in_(sa.select(spans.c.host).where(spans.c.state == ever)))
        found: dict[str, list[Span]] = {}
        for row in connection.execute(query.order_by(spans.c.host, spans.c.first)):
            found.setdefault(row[0], []).append(Span(row[1], row[2], State(*row[3:])))
        return found

    def forget(self, connection: sa.Connection, before: str) -> int:
        """Removes runs begun before a time with what only they tell; how many. The newest run always stays."""
        runs, spans, tallies, hosts = (self._tables[name] for name in ("runs", "spans", "tallies", "hosts"))
        newest = connection.execute(sa.select(sa.func.max(runs.c.seq))).scalar_one() or 0
        gone = sa.select(runs.c.seq).where(runs.c.started_at < before, runs.c.seq < newest)
        numbers = list(connection.execute(gone).scalars())
        if not numbers:
            return 0
        limit = max(numbers)
        connection.execute(sa.delete(spans).where(spans.c.last.is_not(None), spans.c.last <= limit))
        # What was gone all the time that is kept is forgotten too.
        lost = (spans.c.state == ABSENT, spans.c.first <= limit, spans.c.last.is_(None))
        connection.execute(sa.delete(spans).where(*lost))
        connection.execute(sa.update(spans).where(spans.c.first <= limit).values(first=limit + 1))
        connection.execute(sa.delete(tallies).where(tallies.c.seq <= limit))
        connection.execute(sa.delete(runs).where(runs.c.seq <= limit))
        connection.execute(sa.delete(hosts).where(hosts.c.id.not_in(sa.select(spans.c.host))))
        return len(numbers)

    def vacuum(self) -> None:
        """Gives back the space of what was removed. Errors: HistoryError."""
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM"))
        except sa.exc.SQLAlchemyError as error:
            raise HistoryError(_sentence(self.name, error)) from None

    def _check(self, connection: sa.Connection) -> None:
        meta = self._tables["meta"]
        if sa.inspect(connection).has_table("tetra_meta"):
            version = connection.execute(sa.select(meta.c.value).where(meta.c.name == "version")).scalar_one_or_none()
            if version != str(VERSION):
                raise HistoryError(
                    f"The store {self.name} is of version {version}, this collection reads {VERSION}: use the"
                    " collection that made it, or make the store anew from the run folders."
                )
            return
        next(iter(self._tables.values())).metadata.create_all(connection)
        connection.execute(sa.insert(meta).values(name="version", value=str(VERSION)))


def _tables() -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    state = [(name, sa.Text) for name in State._fields]

    def columns() -> list[sa.Column[t.Any]]:
        return [sa.Column(name, kind, nullable=False) for name, kind in state]

    return {
        "meta": sa.Table(
            "tetra_meta", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text)
        ),
        "runs": sa.Table(
            "tetra_runs",
            metadata,
            sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("run_id", sa.Text, nullable=False),
            sa.Column("token", sa.Text, nullable=False, unique=True),
            sa.Column("started_at", sa.Text, nullable=False),
            sa.Column("playbook", sa.Text, nullable=False),
        ),
        "hosts": sa.Table(
            "tetra_hosts",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.Text, nullable=False, unique=True),
        ),
        "spans": sa.Table(
            "tetra_spans",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("host", sa.Integer, sa.ForeignKey("tetra_hosts.id"), nullable=False, index=True),
            sa.Column("first", sa.Integer, nullable=False),
            sa.Column("last", sa.Integer, index=True),
            *columns(),
        ),
        "tallies": sa.Table(
            "tetra_tallies",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("seq", sa.Integer, nullable=False, index=True),
            *columns(),
            sa.Column("number", sa.Integer, nullable=False),
        ),
    }


def _sentence(name: str, error: Exception) -> str:
    """The driver's own words without statement and parameters, which would be thousands of lines."""
    origin = getattr(error, "orig", None)
    said = str(origin if origin is not None else type(error).__name__).strip().splitlines()
    return f"The store {name} cannot be used: {said[0][:200] if said else type(error).__name__}."
