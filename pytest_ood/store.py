"""The prediction store: answers and perturbed texts kept between runs in one SQLite file."""

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

from pytest_ood.errors import OodError
from pytest_ood.examples import canonical
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pytest_ood.examples import Inputs
    from pytest_ood.progress import Progress

SCHEMA_VERSION = 2
BUSY_SECONDS = 60.0
AT_ONCE = 500
"""Keys asked for in one statement; SQLite allows 999 variables everywhere."""

LIMIT = 2 * 1024**3
"""Bytes that the file may take, where nobody says otherwise."""

EVICTED_SHARE = 0.1
"""Share of the limit that is freed at once when it is reached: what was not used for longest."""

FRESH_SECONDS = 86_400
"""A row's last use is written down when the last one written is this old; each read would be a
write otherwise."""

TABLES = ("predictions", "texts")


class StoreError(OodError):
    """The prediction store cannot be used."""


@dataclass(frozen=True)
class Rate:
    """How fast a model answered.

    Attributes:
        inputs: How many.
        characters: Of all of them.
        seconds: That they took.
    """

    inputs: int
    characters: int
    seconds: float

    def seconds_for(self, inputs: int, characters: int) -> float:
        """Return what other inputs would take, half by their number and half by their length."""
        return self.seconds * 0.5 * (inputs / self.inputs + characters / max(1, self.characters))


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

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return how fast a model answered last, if it did."""
        ...

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Keep how fast a model answered."""
        ...

    def alone(
        self, fingerprint: str, progress: Progress, name: str
    ) -> AbstractContextManager[object]:
        """Keep other processes with the same store from asking a model, while this one asks.

        Args:
            fingerprint: Of the model and whatever else decides its answers.
            progress: Told where there is somebody to wait for.
            name: The model's, for that.
        """
        ...


@dataclass(frozen=True)
class MemoryStore:
    """Keeps answers for one run."""

    rows: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)

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

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return how fast a model answered last, if it did."""
        return self.rates.get(fingerprint)

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Keep how fast a model answered."""
        self.rates[fingerprint] = rate

    def alone(
        self, fingerprint: str, progress: Progress, name: str
    ) -> AbstractContextManager[object]:
        """Do nothing: nobody else has this store."""
        del fingerprint, progress, name
        return nullcontext()


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

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return nothing."""
        del fingerprint
        return None

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Keep nothing."""

    def alone(
        self, fingerprint: str, progress: Progress, name: str
    ) -> AbstractContextManager[object]:
        """Do nothing: nobody else has this store."""
        del fingerprint, progress, name
        return nullcontext()


@dataclass(frozen=True)
class TemporaryStore(NoStore):
    """Keeps answers for one run, in a file that goes with the run: however many there are."""

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input."""
        return self.file.get(fingerprint, inputs)

    def put(self, fingerprint: str, answers: Iterable[tuple[Inputs, Prediction]]) -> None:
        """Keep answers.

        Raises:
            StoreError: there is no room for the file.
        """
        self.file.put(fingerprint, answers)

    @cached_property
    def file(self) -> FileStore:
        """The file, made when it is first needed."""
        folder = tempfile.mkdtemp(prefix="pytest-ood-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return FileStore(Path(folder) / "answers.sqlite", limit=sys.maxsize, durable=False)


@dataclass(frozen=True)
class Contents:
    """What a store holds.

    Attributes:
        predictions: Answers.
        texts: Perturbed texts, and results of attacks.
        size: Bytes in use.
        limit: Bytes at which the store begins to forget.
        oldest: When what was not used for longest was used last, in seconds since 1970, or None.
    """

    predictions: int
    texts: int
    size: int
    limit: int
    oldest: int | None


@dataclass(frozen=True)
class FileStore:
    """Keeps answers in a SQLite file that several processes may share.

    Every `put` is one transaction: what was put is there after a crash, and nothing half.

    Attributes:
        path: The file; made when the first answer is kept.
        limit: Bytes; at the limit, what was not used for longest makes room.
        patience: Seconds to wait for another process that is writing.
        durable: Whether what was put is there after the machine has lost its power.
        clock: Returns seconds since 1970.
    """

    path: Path
    limit: int = LIMIT
    patience: float = BUSY_SECONDS
    durable: bool = True
    clock: Callable[[], float] = time.time

    def get(self, fingerprint: str, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input.

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
                    int(self.clock()),
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
        return {
            names[key]: json.loads(text) for key, text in self._rows("texts", "text", list(names))
        }

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep perturbed texts by key.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        now = int(self.clock())
        self._insert("texts", [(_key(key), json.dumps(text), now) for key, text in texts.items()])

    def get_rate(self, fingerprint: str) -> Rate | None:
        """Return how fast a model answered last, if it did.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        if not self._is_there():
            return None
        with closing(self._connect()) as connection, self._used("read"):
            row = connection.execute(
                "SELECT inputs, characters, seconds FROM rates WHERE key = ?", [_key(fingerprint)]
            ).fetchone()
        return None if row is None else Rate(*row)

    def put_rate(self, fingerprint: str, rate: Rate) -> None:
        """Keep how fast a model answered.

        Raises:
            StoreError: the file is not a store, was written by a newer version, or cannot grow.
        """
        row = (_key(fingerprint), rate.inputs, rate.characters, rate.seconds)
        self._insert("rates", [row], known="REPLACE")

    @contextmanager
    def alone(self, fingerprint: str, progress: Progress, name: str) -> Iterator[None]:
        """Keep other processes with this file from asking a model, while this one asks.

        The lock is the operating system's: it ends with the process, however that ends.

        Raises:
            StoreError: there can be no lock beside the file.
        """
        from filelock import FileLock, Timeout

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
        """Return what the file holds.

        Raises:
            StoreError: the file is not a store, or was written by a newer version.
        """
        if not self._is_there():
            return Contents(0, 0, 0, self.limit, None)
        with closing(self._connect()) as connection, self._used("read"):
            counts: dict[str, int] = {}
            oldest: list[int] = []
            for table in TABLES:
                query = f"SELECT COUNT(*), MIN(used) FROM {table}"  # noqa: S608 - own names
                counts[table], used = connection.execute(query).fetchone()
                oldest += [] if used is None else [used]
            return Contents(
                counts["predictions"], counts["texts"], _size(connection), self.limit,
                min(oldest, default=None),
            )  # fmt: skip

    def clear(self) -> None:
        """Forget everything, and give the room back.

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
        """Return (key, *columns) of the rows with these keys, and note that they were used."""
        if not keys or not self._is_there():
            return []
        found, stale = [], []
        now = int(self.clock())
        with closing(self._connect()) as connection:
            with self._used("read"):
                for start in range(0, len(keys), AT_ONCE):
                    part = keys[start : start + AT_ONCE]
                    marks = ",".join("?" * len(part))
                    query = f"SELECT key, {columns}, used FROM {table} WHERE key IN ({marks})"  # noqa: S608 - own names
                    for *row, used in connection.execute(query, part):
                        found.append(row)
                        if used < now - FRESH_SECONDS:
                            stale.append((now, row[0]))
            if stale:
                with suppress(sqlite3.Error), connection:
                    # Reading works where writing does not: on a full disk, in a read-only folder.
                    update = f"UPDATE {table} SET used = ? WHERE key = ?"  # noqa: S608 - own names
                    connection.executemany(update, stale)
        return found

    def _insert(self, table: str, rows: list[tuple[Any, ...]], known: str = "IGNORE") -> None:
        if not rows:
            return
        with self._used("made"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        marks = ",".join("?" * len(rows[0]))
        statement = f"INSERT OR {known} INTO {table} VALUES ({marks})"  # noqa: S608 - own names
        with closing(self._connect()) as connection, self._used("written"), connection:
            connection.executemany(statement, rows)
            if _size(connection) > self.limit:
                _evict(connection, int(self.limit * (1.0 - EVICTED_SHARE)))

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
                closing(sqlite3.connect(self.path, timeout=self.patience))
            )
            if not self.durable:
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
                f"this one knows {SCHEMA_VERSION}); name another folder with --ood-cache"
            )
        return connection


def _upgrade(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an older version up to this one."""
    # Who comes second finds it done: the version is looked at again under the lock.
    before, connection.isolation_level = connection.isolation_level, None
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            # Text is kept as JSON, which carries what UTF-8 does not (lone surrogates).
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
    """Return the bytes in use: what was freed inside of the file is used again, and not counted."""
    (pages,), (free,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _evict(connection: sqlite3.Connection, target: int) -> None:
    """Delete what was not used for longest, until so many bytes are in use."""
    size = _size(connection)
    counts = {
        table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in TABLES
    }
    while size > target and any(counts.values()):
        # Rows differ in size: so many that, were they alike, the target would be met.
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
        """Return the texts that are known, by key."""
        ...

    def put_texts(self, texts: Mapping[str, str]) -> None:
        """Keep texts by key."""
        ...


def through(
    store: TextStore | None, keys: Sequence[str], make: Callable[[list[int]], Iterable[str]]
) -> list[str]:
    """Return a text for each key, from the store where it is known, and keep what is made.

    Args:
        store: Where texts are kept; None for nowhere.
        keys: What has to be equal for the texts to be.
        make: Returns the texts of the places in `keys` that are not known, in their order.
    """
    known = store.get_texts(keys) if store is not None else {}
    new = [place for place, key in enumerate(keys) if key not in known]
    made = {keys[place]: text for place, text in zip(new, make(new), strict=True)}
    if store is not None:
        store.put_texts(made)
    texts = known | made
    return [texts[key] for key in keys]
