"""The file that the job engine keeps its books in: made, brought up to date, and opened."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .errors import ResourceError

if TYPE_CHECKING:
    from sqlalchemy import Engine

APPLICATION = "daw-bridge"
QUEUE = "render"
POLLING_SECONDS = 0.1


def database_url(database: Path) -> str:
    """The engine's name for a database file; for this module and the renderer's entry alone."""
    return f"sqlite:///{quote(str(database))}"  # unquoted where it is read, so a "%" or "?" must be hidden


def prepare(database: Path) -> None:
    """Make the database or bring it up to date; costs a millisecond where it is ready.

    Raises:
        ResourceError: this Python's SQLite is too old.
    """
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        needed = f"Python {sys.version_info[0]}.{sys.version_info[1]} needs 3.42"
        raise ResourceError(
            f"SQLite {sqlite3.sqlite_version} is too old: {needed}",
            "Use another build of Python, for example the one from python.org.",
        )
    database.parent.mkdir(parents=True, exist_ok=True)
    stamp = _schema_stamp()
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] == stamp:
            return
        connection.execute("PRAGMA journal_mode=WAL")
    from dbos import DBOSClient, run_dbos_database_migrations

    run_dbos_database_migrations(database_url(database))
    client = DBOSClient(system_database_url=database_url(database), application_name=APPLICATION)
    client.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLLING_SECONDS)
    client.destroy()
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute(f"PRAGMA user_version={stamp}")  # last, so that a half-made database is made again


def leave_the_disk_to_others() -> None:
    """From now on no commit of this process waits for the disk, nor tidies the log; for renderers.

    A renderer's turn at the disk comes last, and while a commit waits for it nobody else can write: no request would be
    accepted. What it writes down survives its own death at once, and a power cut as soon as the service commits or tidies;
    whatever is lost by one is done again, and published no second time.
    """
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "connect")
    def prepare_connection(connection: sqlite3.Connection, _: object) -> None:
        for pragma in ("synchronous=NORMAL", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")


def _schema_stamp() -> int:
    major, minor, patch = (int(part) for part in version("dbos").split(".")[:3])
    return (major * 1000 + minor) * 1000 + patch


def durable_engine(database: Path) -> Engine:
    """Connections that a commit leaves on the disk, and that leave the tidying of the log to others."""
    from sqlalchemy import create_engine, event

    engine = create_engine(database_url(database), pool_size=1, max_overflow=4)

    @event.listens_for(engine, "connect")
    def prepare_connection(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL", "wal_autocheckpoint=0"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
