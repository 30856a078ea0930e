"""Show what the cache folder holds, or empty it."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.commands._shared import cache_of
from pytest_ood.errors import OodError
from pytest_ood.gate.configuration import project_root, read_configuration
from pytest_ood.gate.gate import PREDICTIONS
from pytest_ood.inference.store import FileStore

if TYPE_CHECKING:
    import argparse

EXAMPLE = "python -m pytest_ood cache info"

FOLDERS = {"models": "trained and unpacked models", "assets": "fetched packages"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("what", choices=("info", "clear"), help="show what there is, or forget it")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="the user's cache folder")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="clear trained models and fetched packages too, not only predictions and texts",
    )
    parser.add_argument(
        "--json", action="store_true", help="write JSON: counts, and sizes in bytes"
    )


def run(options: argparse.Namespace) -> int:
    """Show or empty the cache.

    Raises:
        OodError: the file is no store, was written by a newer version, or cannot be emptied.
    """
    cache = cache_of(options)
    limit = read_configuration(project_root(Path.cwd())).cache_limit
    store = FileStore(cache / PREDICTIONS, limit)
    contents, sizes = store.contents(), {name: _size(cache / name) for name in FOLDERS}
    cleared = options.what == "clear"
    if cleared:
        store.clear()
        for name in FOLDERS if options.everything else ():
            _delete(cache / name)
    if options.json:
        result = {"cache": str(cache), **asdict(contents), **sizes}
        if cleared:
            result["cleared"] = ["predictions", "texts", *(FOLDERS if options.everything else ())]
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0
    lines = [f"cache {cache}"]
    if cleared:
        lines.append(f"forgot {_counts(contents.predictions, contents.texts)}")
        if options.everything:
            lines += [
                f"deleted {description}: {_megabytes(sizes[n])}"
                for n, description in FOLDERS.items()
            ]
    else:
        lines.append(
            f"{_counts(contents.predictions, contents.texts)}: {_megabytes(contents.size)} of "
            f"{_megabytes(contents.limit)} at most"
        )
        if contents.oldest is not None:
            day = datetime.fromtimestamp(contents.oldest, UTC)
            lines.append(f"what was not used for longest was used last on {day:%Y-%m-%d}")
        lines += [
            f"{description}: {_megabytes(sizes[name])}" for name, description in FOLDERS.items()
        ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _counts(predictions: int, texts: int) -> str:
    return f"{predictions:,} predictions, {texts:,} perturbed texts and attack results"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.1f} MiB"


def _delete(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise OodError(f"{folder} cannot be deleted: {error}") from None
