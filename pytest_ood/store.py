"""The prediction store: answers and perturbed texts kept between runs in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.errors import OodError
from pytest_ood.examples import canonical
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.examples import Inputs

SCHEMA_VERSION = 1
BUSY_SECONDS = 60.0
AT_ONCE = 500
"""Keys asked for in one statement; SQLite allows 999 variables everywhere."""


class StoreError(OodError):
    """The prediction store cannot be used."""


class Store(Protocol):
    """Keeps answers by model fingerprint and input, and perturbed texts."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input."""
        ...

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers."""
        ...

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the perturbed texts that are known, by key."""
        ...

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep perturbed texts by key."""
        ...


@dataclass(frozen=True)
class MemoryStore:
    """Keeps answers for one run."""

    rows: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input."""
        keys = map(canonical, inputs)
        return {k: self.rows[fingerprint, k] for k in keys if (fingerprint, k) in self.rows}

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers."""
        self.rows.update({(fingerprint, canonical(i)): answer for i, answer in answers})

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the perturbed texts that are known, by key."""
        return {key: self.texts[key] for key in keys if key in self.texts}

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep perturbed texts by key."""
        self.texts.update(texts)


@dataclass(frozen=True)
class NoStore:
    """Keeps nothing: what a run still knows, it knows by itself."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return nothing."""
        del fingerprint, inputs
        return {}

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep nothing."""

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return nothing."""
        del keys
        return {}

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep nothing."""


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
        texts = {_key(fingerprint, canonical(value)): canonical(value) for value in inputs}
        return {
            texts[key]: Prediction(label, json.loads(scores), json.loads(text))
            for key, label, scores, text in self._rows("predictions", list(texts))
        }

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers; one that is there already stays as it is.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        self._insert(
            "predictions",
            [
                (
                    _key(fingerprint, canonical(value)),
                    answer.label,
                    json.dumps({label: float(score) for label, score in answer.scores.items()}),
                    json.dumps(answer.text),
                )
                for value, answer in answers
            ],
        )

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the perturbed texts that are known, by key.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        names = {_key(key): key for key in keys}
        return {names[key]: json.loads(text) for key, text in self._rows("texts", list(names))}

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep perturbed texts by key.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        self._insert("texts", [(_key(key), json.dumps(text)) for key, text in texts.items()])

    def _rows(self, table: str, keys: list[bytes]) -> list[Any]:
        with self._used("read"):
            if not self.path.exists():
                return []
        found = []
        with closing(self._connect()) as connection, self._used("read"):
            for start in range(0, len(keys), AT_ONCE):
                part = keys[start : start + AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT * FROM {table} WHERE key IN ({marks})"  # noqa: S608 - own names
                found += connection.execute(query, part).fetchall()
        return found

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        with self._used("made"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        marks = ",".join("?" * len(rows[0]))
        statement = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"  # noqa: S608 - own names
        with closing(self._connect()) as connection, self._used("written"), connection:
            connection.executemany(statement, rows)

    @contextmanager
    def _used(self, use: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(use, error) from error

    def _unusable(self, use: str, error: Exception) -> StoreError:
        return StoreError(
            f"the prediction store {self.path} cannot be {use}: {error}; free some space, delete "
            "the file, or name another folder with --ood-cache"
        )

    def _connect(self) -> sqlite3.Connection:
        with ExitStack() as stack, self._used("opened"):
            connection = stack.enter_context(
                closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS))
            )
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._create(connection)
            stack.pop_all()
        if version > SCHEMA_VERSION:
            connection.close()
            raise StoreError(
                f"{self.path} was written by a newer version of pytest-ood (schema {version}, "
                f"this one knows {SCHEMA_VERSION}); name another folder with --ood-cache"
            )
        return connection

    @staticmethod
    def _create(connection: sqlite3.Connection) -> None:
        # Text is kept as JSON, which carries what UTF-8 does not (lone surrogates).
        with connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS predictions "
                "(key BLOB PRIMARY KEY, label TEXT, scores TEXT NOT NULL, text TEXT NOT NULL) "
                "WITHOUT ROWID"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS texts "
                "(key BLOB PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID"
            )
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
