"""The prediction store: answers kept between runs in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_ood.errors import OodError
from pytest_ood.examples import canonical
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_ood.examples import Inputs

SCHEMA_VERSION = 1
BUSY_SECONDS = 60.0
AT_ONCE = 500
"""Keys asked for in one statement; SQLite allows 999 variables everywhere."""


class StoreError(OodError):
    """The prediction store cannot be used."""


class Store(Protocol):
    """Keeps answers by model fingerprint and input."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input."""
        ...

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers."""
        ...


@dataclass(frozen=True)
class MemoryStore:
    """Keeps answers for one run."""

    rows: dict[tuple[str, str], Prediction] = field(default_factory=dict)

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input."""
        keys = map(canonical, inputs)
        return {k: self.rows[fingerprint, k] for k in keys if (fingerprint, k) in self.rows}

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers."""
        self.rows.update({(fingerprint, canonical(i)): answer for i, answer in answers})


@dataclass(frozen=True)
class FileStore:
    """Keeps answers in a SQLite file that several processes may share.

    Every `put` is one transaction: what was put is there after a crash, and nothing half.

    Attributes:
        path: The file; made when the first answer is kept.
    """

    path: Path

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        if not self.path.exists():
            return {}
        texts = {_key(fingerprint, value): canonical(value) for value in inputs}
        keys = list(texts)
        found = {}
        with closing(self._connect()) as connection:
            for start in range(0, len(keys), AT_ONCE):
                part = keys[start : start + AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT key, label, scores, text FROM predictions WHERE key IN ({marks})",  # noqa: S608
                    part,
                )
                for key, label, scores, text in rows:
                    found[texts[key]] = Prediction(label, json.loads(scores), text)
        return found

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers; one that is there already stays as it is.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            (_key(fingerprint, value), answer.label, json.dumps(dict(answer.scores)), answer.text)
            for value, answer in answers
        ]
        try:
            with closing(self._connect()) as connection, connection:
                connection.executemany("INSERT OR IGNORE INTO predictions VALUES (?,?,?,?)", rows)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: answers cannot be kept: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                with connection:
                    connection.execute(
                        "CREATE TABLE IF NOT EXISTS predictions "
                        "(key BLOB PRIMARY KEY, label TEXT, scores TEXT NOT NULL, text TEXT) "
                        "WITHOUT ROWID"
                    )
                    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path} cannot be used as a prediction store: {error}; delete it, or name "
                "another folder with --ood-cache"
            ) from error
        if version > SCHEMA_VERSION:
            connection.close()
            raise StoreError(
                f"{self.path} was written by a newer version of pytest-ood (schema {version}, "
                f"this one knows {SCHEMA_VERSION}); name another folder with --ood-cache"
            )
        return connection


def _key(fingerprint: str, inputs: Inputs) -> bytes:
    return hashlib.sha256(f"{fingerprint}\0{canonical(inputs)}".encode()).digest()
