"""Show what the cache folder holds, or empty it."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.configuration import project_root, read_configuration
from pytest_ood.errors import OodError
from pytest_ood.gate import PREDICTIONS
from pytest_ood.store import FileStore

if TYPE_CHECKING:
    import argparse

EXAMPLE = "python -m pytest_ood cache info"

FOLDERS = {"models": "trained and unpacked models", "assets": "fetched packages"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command is told."""
    parser.add_argument("what", choices=("info", "clear"), help="show what there is, or forget it")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="the user's cache folder")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="clear trained models and fetched packages too, not only predictions and texts",
    )


def run(options: argparse.Namespace) -> int:
    """Show or empty the cache.

    Raises:
        OodError: the store is none, was written by a newer version, or cannot be emptied.
    """
    from platformdirs import user_cache_path

    cache = user_cache_path("pytest-ood") if options.cache is None else options.cache
    limit = read_configuration(project_root(Path.cwd())).cache_limit
    store = FileStore(cache / PREDICTIONS, limit)
    lines = [f"cache {cache}"]
    if options.what == "clear":
        held = store.contents()
        store.clear()
        lines.append(f"forgot {_held(held.predictions, held.texts)}")
        if options.everything:
            lines += [f"deleted {what}: {_size(cache / name)}" for name, what in FOLDERS.items()]
            for name in FOLDERS:
                _delete(cache / name)
    else:
        held = store.contents()
        lines.append(
            f"{_held(held.predictions, held.texts)}: {_megabytes(held.size)} of "
            f"{_megabytes(held.limit)} at most"
        )
        if held.oldest is not None:
            day = datetime.fromtimestamp(held.oldest, UTC)
            lines.append(f"what was not used for longest was used last on {day:%Y-%m-%d}")
        lines += [f"{what}: {_size(cache / name)}" for name, what in FOLDERS.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _held(predictions: int, texts: int) -> str:
    return f"{predictions:,} predictions, {texts:,} perturbed texts and attack results"


def _size(folder: Path) -> str:
    return _megabytes(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.1f} MiB"


def _delete(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise OodError(f"{folder} cannot be deleted: {error}") from None
