"""Writing files so that nothing is half-written, and hashing them."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOCK, SCRATCH = ".lock", ".scratch-"
"""The endings of the names of a folder's lock and of its scratch folder."""


LONGEST_PART = 100
"""The largest part of a name in a file name, in bytes; file systems allow 255 in all."""

_NOT_IN_FILES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]|[\ud800-\udfff]|^[.\-~ ]+|(?<![. ])[. ]+$')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def file_name(name: str) -> str:
    """Return a name as a part of a file's name, on any system.

    A name that is too long, or that no file can have, is changed and ends with the first digits of
    its SHA-256, so that no two become one; any other stays as it is.
    """
    plain = _NOT_IN_FILES.sub("_", name)
    data = plain.encode()
    if plain == name and len(data) <= LONGEST_PART and plain and not _RESERVED.fullmatch(plain):
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{data[: LONGEST_PART - 17].decode('utf-8', 'ignore')}_{digest}"


def write_atomically(path: Path, text: str) -> None:
    """Write a text file whole or not at all; an old file stays until the new one is complete."""
    with writing_atomically(path) as stream:
        stream.write(text)


@contextmanager
def writing_atomically(path: Path) -> Iterator[TextIO]:
    """Open a text file that takes its place when the block ends well, and vanishes otherwise."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{file_name(path.name)}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            yield stream
        # mkstemp makes files that only their owner can read.
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        os.replace(name, path)  # noqa: PTH105 - the atomic call, by its usual name
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_all(files: Mapping[Path, str]) -> None:
    """Write several text files, each whole, and their folders: all of them, or none.

    What was written is undone, and what was there is put back, where one cannot be written.
    """
    before = {path: path.read_text(encoding="utf-8") for path in files if path.exists()}
    created: list[Path] = []
    try:
        for path, text in files.items():
            folders = [folder for folder in path.parents if not folder.exists()]
            created += folders
            path.parent.mkdir(parents=True, exist_ok=True)
            created.insert(0, path)
            write_atomically(path, text)
    except BaseException:
        for path, text in before.items():
            write_atomically(path, text)
        for path in created:
            if path.is_dir():
                path.rmdir()
            elif path not in before:
                path.unlink(missing_ok=True)
        raise


@contextmanager
def filled_once(folder: Path) -> Iterator[Path | None]:
    """Fill a folder exactly once, also when several processes want it at the same time.

    Yields a scratch folder to fill, or None where `folder` is there already. The scratch folder
    takes the folder's place when the block ends well, and vanishes when it does not. Of a process
    that was killed, the next one that fills a folder beside it removes what it left.
    """
    from filelock import FileLock

    if folder.is_dir():
        yield None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(folder.parent)
    lock = FileLock(folder.with_name(f"{folder.name}{LOCK}"))
    with lock:
        try:
            if folder.is_dir():
                yield None
                return
            scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}{SCRATCH}"))
            try:
                yield scratch
                scratch.chmod(0o755)
                scratch.rename(folder)
            except BaseException:
                shutil.rmtree(scratch, ignore_errors=True)
                raise
        finally:
            # While it is held: whoever waits for it sees that it is gone, and makes a new one.
            with suppress(OSError):
                Path(lock.lock_file).unlink()


def remove_abandoned(parent: Path) -> None:
    """Remove the locks and scratch folders of `filled_once` that no process holds.

    The operating system releases the lock of a process, however it ends; a scratch folder belongs
    to the process with the lock of the same name.
    """
    from filelock import FileLock, Timeout

    scratches = [path for path in parent.glob(f".*{SCRATCH}*") if path.is_dir()]
    names = {path.name[1:].partition(SCRATCH)[0] for path in scratches}
    names |= {path.name.removesuffix(LOCK) for path in parent.glob(f"*{LOCK}")}
    for name in names:
        lock = FileLock(parent / f"{name}{LOCK}")
        # Where it may not be removed, it is in nobody's way.
        with suppress(Timeout, OSError), lock.acquire(timeout=0):
            for path in parent.glob(f".{glob.escape(name)}{SCRATCH}*"):
                shutil.rmtree(path, ignore_errors=True)
            Path(lock.lock_file).unlink()


def hash_files(paths: list[Path]) -> str:
    """Return the SHA-256 over names and contents of files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.name}\0{content}\n".encode())
    return digest.hexdigest()
