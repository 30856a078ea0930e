"""Writing files so that nothing is half-written, and hashing them."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def write_atomically(path: Path, text: str) -> None:
    """Write a text file whole or not at all; an old file stays until the new one is complete."""
    with writing_atomically(path) as stream:
        stream.write(text)


@contextmanager
def writing_atomically(path: Path) -> Iterator[TextIO]:
    """Open a text file that takes its place when the block ends well, and vanishes otherwise."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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


def write_together(files: Mapping[Path, str]) -> None:
    """Write several text files, each whole, and their folders: all of them, or none.

    What was written is undone, and what was there is put back, where one cannot be written.
    """
    before = {path: path.read_text(encoding="utf-8") for path in files if path.exists()}
    made: list[Path] = []
    try:
        for path, text in files.items():
            folders = [folder for folder in path.parents if not folder.exists()]
            made += folders
            path.parent.mkdir(parents=True, exist_ok=True)
            made.insert(0, path)
            write_atomically(path, text)
    except BaseException:
        for path, text in before.items():
            write_atomically(path, text)
        for path in made:
            if path.is_dir():
                path.rmdir()
            elif path not in before:
                path.unlink(missing_ok=True)
        raise


@contextmanager
def made_once(folder: Path) -> Iterator[Path | None]:
    """Fill a folder exactly once, also when several processes want it at the same time.

    Yields a scratch folder to fill, or None where `folder` is there already. The scratch folder
    takes the folder's place when the block ends well, and vanishes when it does not.
    """
    from filelock import FileLock

    if folder.is_dir():
        yield None
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(folder.name + ".lock")):
        if folder.is_dir():
            yield None
            return
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            yield scratch
            scratch.chmod(0o755)
            scratch.rename(folder)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise


def hash_files(paths: list[Path]) -> str:
    """Return the SHA-256 over names and contents of files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.name}\0{content}\n".encode())
    return digest.hexdigest()
