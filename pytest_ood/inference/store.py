"""The prediction store: predictions and perturbed texts, kept between runs in a SQLite file."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
import tempfile
import time
import weakref
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.data.inputs import canonical
from pytest_ood.errors import OodError
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.utils.progress import Progress

SCHEMA_VERSION = 2
BUSY_SECONDS = 60.0
KEYS_PER_QUERY = 500
"""Keys in one SELECT; every build of SQLite allows 999 variables."""

LIMIT = 2 * 1024**3
"""Default size limit of the file, in bytes."""

EVICTED_SHARE = 0.1
"""Share of the limit that is freed when it is reached, least recently used rows first."""

FRESH_SECONDS = 86_400
"""The time of a row's last use is updated once it is this old; otherwise each read would be a
write."""

TABLES = ("predictions", "texts")


class StoreError(OodError):
    """The prediction store cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A model's measured speed.

    Attributes:
        inputs: The number of inputs that were answered.
        characters: Their total length.
        seconds: The time they took.
    """

    inputs: int
    characters: int
    seconds: float

    def seconds_for(self, inputs: int, characters: int) -> float:
        """Return the expected seconds for other inputs: half by number, half by length."""
        return self.seconds * 0.5 * (inputs / self.inputs + characters / max(1, self.characters))


class Store(Protocol):
    """Keeps predictions by cache key and input, perturbed texts by key, and models' speeds."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the stored predictions by canonical input."""
        ...

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Store predictions."""
        ...

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the stored perturbed texts by key."""
        ...

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Store perturbed texts by key."""
        ...

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return a model's last measured speed, or None."""
        ...

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Store a model's measured speed."""
        ...

    def query_lock(
        self, fingerprint: str, progress: Progress, name: str
    ) -> AbstractContextManager[object]:
        """Return a context in which no other process with this store queries the model.

        Args:
            fingerprint: The cache key of the model's predictions.
            progress: Shows that this process waits for another one.
            name: The model's name, for `progress`.
        """
        ...


@dataclass(frozen=True)
class MemoryStore:
    """Keeps predictions in memory, for one run."""

    rows: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the stored predictions by canonical input."""
        keys = map(canonical, inputs)
        return {k: self.rows[fingerprint, k] for k in keys if (fingerprint, k) in self.rows}

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Store predictions."""
        self.rows.update({(fingerprint, canonical(i)): answer for i, answer in answers})

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the stored perturbed texts by key."""
        return {key: self.texts[key] for key in keys if key in self.texts}

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Store perturbed texts by key."""
        self.texts.update(texts)

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return a model's last measured speed, or None."""
        return self.rates.get(fingerprint)

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Store a model's measured speed."""
        self.rates[fingerprint] = rate

    def query_lock(
        self, fingerprint: str, progress: Progress, name: str
    ) -> AbstractContextManager[object]:
        """Return a context without effect: no other process shares this store."""
        del fingerprint, progress, name
        return nullcontext()


@dataclass(frozen=True)
class NoStore:
    """Keeps nothing between runs; the engine's `memory` keeps the predictions of this run."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return no predictions."""
        del fingerprint, inputs
        return {}

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Store nothing."""

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return no texts."""
        del keys
        return {}

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Store nothing."""

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return None."""
        del fingerprint
        return None

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Store nothing."""

    def query_lock(
        self, fingerprint: str, progress: Progress, name: str
    ) -> AbstractContextManager[object]:
        """Return a context without effect: no other process shares this store."""
        del fingerprint, progress, name
        return nullcontext()


@dataclass(frozen=True)
class TemporaryStore(NoStore):
    """Keeps predictions for one run in a temporary file, so that their number is not limited."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the stored predictions by canonical input."""
        return self.file.get(fingerprint, inputs)

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Store predictions.

        Raises:
            StoreError: the disk is full.
        """
        self.file.put(fingerprint, answers)

    @cached_property
    def file(self) -> FileStore:
        """The file, created when it is first needed."""
        folder = tempfile.mkdtemp(prefix="pytest-ood-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return FileStore(Path(folder) / "answers.sqlite", limit=sys.maxsize, durable=False)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The size of a store.

    Attributes:
        predictions: The number of predictions.
        texts: The number of perturbed texts and results of attacks.
        size: Bytes in use.
        limit: Bytes at which the store begins to evict rows.
        oldest: The last use of the least recently used row, in seconds since 1970; None for an
            empty store.
    """

    predictions: int
    texts: int
    size: int
    limit: int
    oldest: int | None


@dataclass(frozen=True)
class FileStore:
    """Keeps predictions in a SQLite file that several processes may share.

    Every `put` is one transaction, so that a crash leaves all of its rows or none.

    Attributes:
        path: The file; created with the first row.
        limit: Size limit in bytes; at the limit the least recently used rows are evicted.
        patience: Seconds to wait for another process that is writing.
        durable: Whether rows survive a power failure.
        clock: Returns seconds since 1970.
    """

    path: Path
    limit: int = LIMIT
    patience: float = BUSY_SECONDS
    durable: bool = True
    clock: Callable[[], float] = time.time

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the stored predictions by canonical input.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        texts = {_key(fingerprint, canonical(value)): canonical(value) for value in inputs}
        return {
            texts[key]: Prediction(label, json.loads(scores), json.loads(text))
            for key, label, scores, text in self._rows(
                "predictions", "label, scores, text", list(texts)
            )
        }

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Store predictions; a prediction that is there already is not replaced.

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
                    int(self.clock()),
                )
                for value, answer in answers
            ],
        )

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the stored perturbed texts by key.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        names = {_key(key): key for key in keys}
        return {
            names[key]: json.loads(text) for key, text in self._rows("texts", "text", list(names))
        }

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Store perturbed texts by key.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        now = int(self.clock())
        self._insert("texts", [(_key(key), json.dumps(text), now) for key, text in texts.items()])

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return a model's last measured speed, or None.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        if not self._is_there():
            return None
        with closing(self._connect()) as connection, self._used("read"):
            row = connection.execute(
                "SELECT inputs, characters, seconds FROM rates WHERE key = ?", [_key(fingerprint)]
            ).fetchone()
        if row is None:
            return None
        inputs, characters, seconds = row
        return Rate(inputs=inputs, characters=characters, seconds=seconds)

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Store a model's measured speed.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        row = (_key(fingerprint), rate.inputs, rate.characters, rate.seconds)
        self._insert("rates", [row], on_conflict="REPLACE")

    @contextmanager
    def query_lock(self, fingerprint: str, progress: Progress, name: str) -> Iterator[None]:
        """Return a context in which no other process with this file queries the model.

        Raises:
            StoreError: no lock file can be created beside the store.
        """
        from filelock import FileLock, Timeout

        # A lock of the operating system, which ends with the process: a process that was killed
        # leaves no lock that others would wait for. SQLite's own lock is for single writes, and
        # would keep other models' predictions from being written while this model is queried.
        folder = self.path.with_name(self.path.name + ".locks")
        with self._used("locked"):
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / _key(fingerprint).hex()[:32])
            try:
                lock.acquire(timeout=0)
            except Timeout:
                with progress.track(f"waiting: another process is asking {name}", 0, "processes"):
                    lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def contents(self) -> Contents:
        """Return the number of rows, and the bytes in use.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        if not self._is_there():
            return Contents(predictions=0, texts=0, size=0, limit=self.limit, oldest=None)
        with closing(self._connect()) as connection, self._used("read"):
            counts: dict[str, int] = {}
            oldest: list[int] = []
            for table in TABLES:
                query = f"SELECT COUNT(*), MIN(used) FROM {table}"  # noqa: S608 - own names
                counts[table], used = connection.execute(query).fetchone()
                oldest += [] if used is None else [used]
            return Contents(
                predictions=counts["predictions"],
                texts=counts["texts"],
                size=_size(connection),
                limit=self.limit,
                oldest=min(oldest, default=None),
            )

    def clear(self) -> None:
        """Delete all rows, and shrink the file.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        if not self._is_there():
            return
        with closing(self._connect()) as connection, self._used("cleared"):
            with connection:
                for table in (*TABLES, "rates"):
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - own names
            connection.execute("VACUUM")

    def _is_there(self) -> bool:
        with self._used("read"):
            return self.path.exists()

    def _rows(self, table: str, columns: str, keys: list[bytes]) -> list[Any]:
        """Return (key, *columns) of the rows with these keys, and update their last use."""
        if not keys or not self._is_there():
            return []
        rows, stale = [], []
        now = int(self.clock())
        with closing(self._connect()) as connection:
            with self._used("read"):
                for start in range(0, len(keys), KEYS_PER_QUERY):
                    part = keys[start : start + KEYS_PER_QUERY]
                    marks = ",".join("?" * len(part))
                    query = f"SELECT key, {columns}, used FROM {table} WHERE key IN ({marks})"  # noqa: S608 - own names
                    for *row, used in connection.execute(query, part):
                        rows.append(row)
                        if used < now - FRESH_SECONDS:
                            stale.append((now, row[0]))
            if stale:
                # The update may fail without harm: a store on a full disk or in a read-only folder
                # can still be read.
                with suppress(sqlite3.Error), connection:
                    update = f"UPDATE {table} SET used = ? WHERE key = ?"  # noqa: S608 - own names
                    connection.executemany(update, stale)
        return rows

    def _insert(self, table: str, rows: list[tuple[Any, ...]], on_conflict: str = "IGNORE") -> None:
        """Insert rows in one transaction; evict others if the file is larger than its limit.

        Predictions are not replaced: two processes that queried the same input then go on with the
        same prediction in all later runs, whichever wrote first.
        """
        if not rows:
            return
        with self._used("created"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        marks = ",".join("?" * len(rows[0]))
        statement = f"INSERT OR {on_conflict} INTO {table} VALUES ({marks})"  # noqa: S608 - own names
        with closing(self._connect()) as connection, self._used("written"), connection:
            connection.executemany(statement, rows)
            if _size(connection) > self.limit:
                _evict(connection, int(self.limit * (1.0 - EVICTED_SHARE)))

    @contextmanager
    def _used(self, use: str) -> Iterator[None]:
        """Turn errors of SQLite and of the file system into a `StoreError`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the prediction store {self.path} cannot be {use}: {error}; free some space, "
                "delete the file, or name another folder with --ood-cache"
            ) from error

    def _connect(self) -> sqlite3.Connection:
        # The stack closes the connection if anything fails before it is handed out.
        with ExitStack() as stack, self._used("opened"):
            connection = stack.enter_context(
                closing(sqlite3.connect(self.path, timeout=self.patience))
            )
            if not self.durable:
                # A temporary file ends with the run, so that nothing has to reach the disk.
                connection.execute("PRAGMA synchronous = OFF")
                connection.execute("PRAGMA journal_mode = MEMORY")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version < SCHEMA_VERSION:
                _upgrade(connection)
            stack.pop_all()
        if version > SCHEMA_VERSION:
            connection.close()
            raise StoreError(
                f"{self.path} was written by a newer version of pytest-ood (schema {version}, "
                f"this one reads up to {SCHEMA_VERSION}); name another folder with --ood-cache"
            )
        return connection


def _upgrade(connection: sqlite3.Connection) -> None:
    """Create the tables, or convert those of an older version."""
    # Two processes may open a new file at the same time: the version is read again under the write
    # lock, so that the second one finds the tables complete.
    before, connection.isolation_level = connection.isolation_level, None
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            # Texts are stored as JSON, which can encode lone surrogates; SQLite's UTF-8 cannot.
            connection.execute(
                "CREATE TABLE predictions (key BLOB PRIMARY KEY, label TEXT, scores TEXT NOT NULL, "
                "text TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"
            )
            connection.execute(
                "CREATE TABLE texts (key BLOB PRIMARY KEY, text TEXT NOT NULL, "
                "used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"
            )
        elif version == 1:
            for table in TABLES:
                connection.execute(
                    f"ALTER TABLE {table} ADD COLUMN used INTEGER NOT NULL DEFAULT 0"
                )
        if version < SCHEMA_VERSION:
            connection.execute(
                "CREATE TABLE rates (key BLOB PRIMARY KEY, inputs INTEGER NOT NULL, "
                "characters INTEGER NOT NULL, seconds REAL NOT NULL) WITHOUT ROWID"
            )
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.isolation_level = before


def _size(connection: sqlite3.Connection) -> int:
    """Return the bytes in use, without free pages, which SQLite uses again."""
    (pages,), (free,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _evict(connection: sqlite3.Connection, target: int) -> None:
    """Delete the least recently used rows until `target` bytes are in use."""
    size = _size(connection)
    counts = {
        table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in TABLES
    }
    while size > target and any(counts.values()):
        # Deletes the share of rows that would meet the target if all had the same size. They do
        # not, so that the size is measured again until it is met.
        share = (size - target) / size
        oldest = [
            (used, table, key)
            for table in TABLES
            for key, used in connection.execute(
                f"SELECT key, used FROM {table} ORDER BY used LIMIT ?",  # noqa: S608 - own names
                [max(1, int(share * sum(counts.values())))],
            )
        ]
        oldest.sort()
        for _, table, key in oldest[: max(1, int(share * sum(counts.values())))]:
            connection.execute(f"DELETE FROM {table} WHERE key = ?", [key])  # noqa: S608
            counts[table] -= 1
        size = _size(connection)


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


class TextStore(Protocol):
    """Keeps perturbed texts between runs."""

    def get_texts(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the stored texts by key."""
        ...

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Store texts by key."""
        ...


def cached_texts(
    store: TextStore | None, keys: Sequence[str], build: Callable[[list[int]], Iterable[str]]
) -> list[str]:
    """Return a text for each key; texts that are not in the store are built and stored.

    Args:
        store: The store; None to build all texts.
        keys: Equal keys have equal texts.
        build: Takes the indices in `keys` of the texts to build; returns them in that order.
    """
    cached = store.get_texts(keys) if store is not None else {}
    new = [index for index, key in enumerate(keys) if key not in cached]
    built = {keys[index]: text for index, text in zip(new, build(new), strict=True)}
    if store is not None:
        store.put_texts(built)
    texts = cached | built
    return [texts[key] for key in keys]
