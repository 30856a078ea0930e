"""Options and helpers that several commands share."""

from __future__ import annotations

import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError
from pytest_ood.loading.readers import YOURS, DataSource, Reader, parse_source
from pytest_ood.utils.progress import Lines

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def add_columns(parser: argparse.ArgumentParser, *, detects: bool = False) -> None:
    """Declare the options for columns; `detects` is whether the command detects them itself."""
    default = "found by looking" if detects else "%s"
    parser.add_argument(
        "--text-column",
        action="append",
        metavar="NAME",
        help=f"repeatable: several fields; {default.replace('%s', 'text')}",
    )
    parser.add_argument("--label-column", metavar="NAME", help=default.replace("%s", "label"))
    parser.add_argument("--id-column", metavar="NAME", help="left out: ids come of the content")
    parser.add_argument(
        "--separator",
        metavar="SIGN",
        help="what separates the cells of a table; left out: found in its header",
    )
    parser.add_argument("--encoding", metavar="NAME", help="of files; utf-8")


def add_surroundings(parser: argparse.ArgumentParser) -> None:
    """Declare the options for the cache folder and for fetching."""
    parser.add_argument("--cache", type=Path, metavar="DIR", help="the user's cache folder")
    parser.add_argument("--offline", action="store_true", help="fetch nothing")


def cache_of(options: argparse.Namespace) -> Path:
    """Return the cache folder of the options, or the user's."""
    from platformdirs import user_cache_path

    cache: Path | None = options.cache
    return user_cache_path("pytest-ood") if cache is None else cache


def reader_of(
    options: argparse.Namespace,
    root: Path,
    redirects: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Reader:
    """Return the reader of data, with the redirects that a project configures."""
    return Reader(
        root=root,
        cache=cache_of(options),
        offline=options.offline,
        progress=Lines(tell),
        redirects=redirects,
    )


def source_of(data: str, options: argparse.Namespace) -> DataSource:
    """Return a data source with the columns of the options.

    Raises:
        ConfigurationError: there is no such encoding, or it is no separator.
    """
    separator, encoding = text_format(options)
    return DataSource(
        data=data,
        fields=tuple(options.text_column or DataSource.fields),
        label=options.label_column or DataSource.label,
        id=options.id_column,
        separator=separator,
        encoding=encoding,
    )


def text_format(options: argparse.Namespace) -> tuple[str | None, str | None]:
    """Return the separator and the encoding of the options.

    Raises:
        ConfigurationError: there is no such encoding, or it is no separator.
    """
    # A shell hands a tab over as it is written.
    separator = "\t" if options.separator == "\\t" else options.separator
    named = {"separator": separator, "encoding": options.encoding}
    values = {key: value for key, value in named.items() if value is not None}
    source = parse_source({"data": f"{YOURS}:file", **values}, "the options")
    return source.separator, source.encoding


def tell(line: str) -> None:
    """Write a message to standard error."""
    sys.stderr.write(f"ood: {line}\n")


def listed(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Check that a file may be written.

    Raises:
        ConfigurationError: the file exists, or its folder does not.
    """
    if path.exists() and not overwrite:
        raise ConfigurationError(f"{path} is there; --overwrite replaces it")
    if not path.parent.is_dir():
        raise ConfigurationError(f"there is no folder {path.parent} to write {path.name} in")
