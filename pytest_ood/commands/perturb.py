"""Perturb texts, for looking at and for augmentation: the same ones that the gate makes."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.commands._shared import (
    add_columns,
    add_surroundings,
    listed,
    reader_of,
    refuse_existing,
    source_of,
    tell,
)
from pytest_ood.data.examples import Example, content_digest, counted_id
from pytest_ood.data.inputs import fields_of
from pytest_ood.data.values import is_missing, label_forms
from pytest_ood.errors import ConfigurationError, DataError, PerturbationError, unknown_name
from pytest_ood.loading.formats import (
    LINE_SUFFIXES,
    SUFFIXES,
    FileLayout,
    cell,
    has_column,
    identifier_of,
    parse_rows,
    refuse_unreadable,
    rows_of,
    suffix_of,
    value_of,
)
from pytest_ood.loading.readers import inputs_of_row
from pytest_ood.perturbations import catalogue, find
from pytest_ood.perturbations.adversarial import attacks
from pytest_ood.perturbations.contracts import Changing, Derived
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.reports.escaping import escape_controls, one_line, word_diff
from pytest_ood.shifts.noise import parse_noise
from pytest_ood.shifts.protocol import DEFAULT_PROTECTION
from pytest_ood.utils.decoding import decoded, lines_of
from pytest_ood.utils.files import writing_atomically

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.readers import DataSource
    from pytest_ood.shifts import NoiseShift

EXAMPLE = "python -m pytest_ood perturb keyboard ocr --severity 3 reviews.jsonl --out typos.jsonl"

STDIN = "-"
LINES = "lines"
OUT_SUFFIXES = (".jsonl", ".txt")
AT_ONCE = 256
"""Texts in memory at the same time."""

_BREAKS = {number: f"\\u{number:04x}" for number in (0x85, 0x2028, 0x2029)}
"""Characters that JSON allows in strings, and that other programs read as line ends."""


@dataclass(kw_only=True)
class Count:
    """The numbers of texts under one shift."""

    texts: int = 0
    changed: int = 0
    rejected: int = 0


@dataclass(frozen=True, kw_only=True)
class PerturbedText:
    """One text under one shift."""

    example: Example
    after: Inputs
    shift: NoiseShift
    name: str
    severity: int
    seed: int

    @property
    def changed(self) -> bool:
        """Whether it is another than the original."""
        return self.after != self.example.inputs

    def record(self, *, labels: bool) -> dict[str, Any]:
        """Return it as plain values, with the label that it has afterwards."""
        before, after = (
            value if isinstance(value, str) else dict(value)
            for value in (self.example.inputs, self.after)
        )
        label: str | None = self.example.label
        if self.changed and _changes_labels(self.shift):
            has_labels = bool(self.shift.relabel)
            label = self.shift.relabelled(self.example, self.after).label if has_labels else None
        return {
            "id": self.example.id,
            "before": before,
            "after": after,
            **({"label": label} if labels else {}),
            "perturbation": self.name,
            "severity": self.severity,
            "seed": self.seed,
            "changed": self.changed,
        }


@dataclass(kw_only=True)
class Texts:
    """The texts of a file as examples, read one by one.

    Attributes:
        source: The columns.
        rows: The rows, as (line number, row).
        origin: The beginning of messages.
        label_is_named: Whether the user named the label column, so that it has to exist.
        labelled: Whether rows have labels, once the first row is read.
        seen: The number of texts by content, for ids: about 100 bytes for each, and empty if a
            column has the ids.
    """

    source: DataSource
    rows: Iterator[tuple[int, Mapping[str, Any]]]
    origin: str
    label_is_named: bool
    labelled: bool = False
    seen: Counter[int] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Example]:
        """Yield examples with the ids that a suite over the same data gives them.

        Raises:
            DataError: a row cannot be read, or lacks a column.
        """
        for number, row in self.rows:
            for name in self.source.fields:
                if not has_column(row, name):
                    raise DataError(
                        f"{self.origin}, row {number}: {unknown_name('field', name, row)} "
                        "--text-column names the one that has the texts, --separator what "
                        "separates the cells of a table"
                    )
            inputs = inputs_of_row(self.origin, number, row, self.source)
            label = ""
            if self.label_is_named or self.source.label in row:
                label = self._label(number, row)
                self.labelled = True
            yield Example(self._id(number, row, inputs, label), inputs, label)

    def _label(self, number: int, row: Mapping[str, Any]) -> str:
        value = value_of(self.origin, number, row, self.source.label)
        if is_missing(value):
            return ""
        forms = label_forms(value)
        # `cell` raises the error for values that are neither text nor label.
        return forms[0] if forms else cell(self.origin, number, row, self.source.label, "label")

    def _id(self, number: int, row: Mapping[str, Any], inputs: Inputs, label: str) -> str:
        if self.source.id is not None:
            return identifier_of(self.origin, number, row, self.source.id)
        digest = content_digest(inputs, label)
        self.seen[int(digest, 16)] += 1
        return counted_id(digest, self.seen[int(digest, 16)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "what",
        nargs="+",
        metavar="NAME",
        help="perturbations, shipped ones or module:name, and last the file: .jsonl, .json, "
        ".csv, .tsv, also compressed (.gz), .parquet, or one text a line; - or no file for "
        "standard input",
    )
    # Names and the file may stand on both sides of options.
    parser.set_defaults(intermixed="what")
    parser.add_argument(
        "--severity", metavar="N", help=f"1 to {MAX_SEVERITY}, some with commas, or all"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="INT", help="of the run; 0")
    parser.add_argument(
        "--shift", metavar="NAME", help="the shift in a suite to make the texts of; one's own name"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter, as in TOML (repeatable)",
    )
    parser.add_argument(
        "--protect",
        metavar="KIND,...",
        default=",".join(DEFAULT_PROTECTION),
        help="spans that stay; %(default)s",
    )
    parser.add_argument("--filter", metavar="NAME", help="a validity filter")
    parser.add_argument("--language", metavar="TAG", default="en", help="of the texts; en")
    parser.add_argument("--labels", metavar="A,B,...", help="what a change of the label goes by")
    parser.add_argument(
        "--format", choices=(LINES, "jsonl", "csv", "tsv"), help="of the input; as its name ends"
    )
    parser.add_argument("--out", type=Path, metavar="PATH", help=".jsonl, or .txt for texts alone")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument("--only-changed", action="store_true", help="leave out what stays as it is")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="write JSON, one text a line")
    shown.add_argument("--diff", action="store_true", help="show what changed, word by word")
    add_columns(parser)
    add_surroundings(parser)


def run(options: argparse.Namespace) -> int:
    """Perturb texts.

    Raises:
        OodError: a perturbation or a value that is not known, or texts that cannot be read.
    """
    names, file = _split(options.what)
    if options.out is not None:
        if options.out.suffix not in OUT_SUFFIXES:
            raise ConfigurationError(
                f"--out {options.out}: "
                + unknown_name("kind of file", options.out.suffix, OUT_SUFFIXES)
            )
        if options.diff:
            raise ConfigurationError("--diff is for the terminal; leave out --out")
        refuse_existing(options.out, overwrite=options.overwrite)
    root = Path.cwd()
    reader = reader_of(options, root)
    resources = Resources(
        cache=reader.cache, offline=reader.offline, root=root, progress=reader.progress
    )
    with using(resources):
        shifts = [perturbed for name in names for perturbed in _shifts(name, options, len(names))]
        texts = _texts(file, options)
        counts = {shift.name: Count() for _, shift in shifts}
        perturbed = _perturbed(texts, shifts, options.seed, counts)
        if options.only_changed:
            perturbed = (text for text in perturbed if text.changed)
        try:
            with _opened(options.out) as stream:
                _write(perturbed, stream, options, texts)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ConfigurationError(f"{options.out} cannot be written: {error.strerror}") from None
    for shift_name, count in counts.items():
        rejected = f", {count.rejected} rejected" if count.rejected else ""
        tell(f"{shift_name}: {count.changed} of {count.texts} texts changed{rejected}")
    for name, shift in shifts:
        if texts.labelled and _changes_labels(shift) and not shift.relabel:
            tell(f"{name} changes labels; name them with --labels A,B")
    return 0


def _split(words: Sequence[str]) -> tuple[Sequence[str], str]:
    """Separate the perturbations from the file, which comes last."""
    *names, last = words
    if last == STDIN or (":" not in last and (Path(last).suffix or Path(last).is_file())):
        if not names:
            raise ConfigurationError(
                f"say what is done to the texts of {last}: {', '.join(catalogue())}"
            )
        return names, last
    return words, STDIN


def _shifts(name: str, options: argparse.Namespace, count: int) -> list[tuple[str, NoiseShift]]:
    """Return the shifts of a perturbation, one for each severity, with the perturbation's name."""
    if name in attacks():
        raise ConfigurationError(
            f"{name} is an attack: it needs a model to search against; "
            "`python -m pytest_ood freeze` writes down what it makes in a suite"
        )
    generator = find(name)
    if isinstance(generator.contract, Derived) and generator.contract.tasks:
        raise ConfigurationError(
            f"{name} computes the answer again, from the solution of a question; "
            f"put it into a suite with task = {generator.contract.tasks[0]!r} and `rationale`"
        )
    if options.shift is not None and count > 1:
        raise ConfigurationError("--shift names one shift; give one perturbation")
    entry: dict[str, Any] = {
        "perturbation": name,
        "parameters": dict(map(_parameter, options.set)),
        "protect": list(listed(options.protect)),
    }
    if options.severity is not None:
        entry["severity"] = _severity(options.severity)
    if options.filter is not None:
        entry["filter"] = options.filter
    labels = listed(options.labels or "")
    shift_name = options.shift or generator.name
    shifts = parse_noise(shift_name, entry, name, labels, language=options.language)
    return [(generator.name, shift) for shift in shifts]


def _severity(text: str) -> Any:
    if text == "all":
        return text
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigurationError(
            f"--severity {text} is a whole number from 1 to {MAX_SEVERITY}, some with commas, or "
            "all"
        ) from None
    return levels[0] if len(levels) == 1 else levels


def _parameter(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; what is no TOML value is a string."""
    import tomllib

    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ConfigurationError(f"--set {text} is not of the form KEY=VALUE")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except ValueError:
        return key.strip(), value.strip()


def _texts(file: str, options: argparse.Namespace) -> Texts:
    path = Path("standard input" if file == STDIN else file)
    source = source_of(file, options)
    suffix = f".{options.format}" if options.format else suffix_of(path.name)
    if options.format == LINES or suffix not in SUFFIXES:
        if options.format is None:
            refuse_unreadable(path.name)
        for name in ("text_column", "label_column", "id_column", "separator"):
            if getattr(options, name) is not None:
                raise ConfigurationError(
                    f"--{name.replace('_', '-')}: {path} is read as one text a line; "
                    "--format jsonl, csv or tsv says otherwise"
                )
        rows = _plain_rows(_lines(file, path, source.encoding))
    elif suffix in LINE_SUFFIXES:
        named = (options.label_column, source.id)
        needed = {*source.fields, *(name for name in named if name is not None)}
        layout = FileLayout(separator=source.separator, encoding=source.encoding, needed=needed)
        rows = rows_of(_lines(file, path, source.encoding), suffix, path, layout)
    else:
        rows = parse_rows(path, FileLayout(separator=source.separator, encoding=source.encoding))
    return Texts(
        source=source, rows=rows, origin=str(path), label_is_named=options.label_column is not None
    )


def _lines(file: str, path: Path, encoding: str | None) -> Iterator[str]:
    if file == STDIN:
        return decoded(sys.stdin.buffer, path, encoding)
    return lines_of(path, encoding)


def _plain_rows(lines: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        text = line.removesuffix("\n").removesuffix("\r")
        if text.strip():
            yield number, {"text": text}


def _perturbed(
    texts: Texts,
    shifts: Sequence[tuple[str, NoiseShift]],
    seed: int,
    counts: Mapping[str, Count],
) -> Iterator[PerturbedText]:
    """Yield each text under each shift, a few texts at a time."""
    iterator = iter(texts)
    while block := list(islice(iterator, AT_ONCE)):
        columns = []
        for _, shift in shifts:
            try:
                inputs, rejected, _ = shift.apply_at_once(block, seed)
            except PerturbationError as error:
                raise _named(error, block) from error.__cause__
            columns.append(inputs)
            count = counts[shift.name]
            count.texts += len(block)
            count.rejected += len(rejected)
            count.changed += sum(e.inputs != i for e, i in zip(block, inputs, strict=True))
        for index, example in enumerate(block):
            for (name, shift), inputs in zip(shifts, columns, strict=True):
                severity = getattr(shift.perturbation, "severity", MAX_SEVERITY)
                yield PerturbedText(
                    example=example,
                    after=inputs[index],
                    shift=shift,
                    name=name,
                    severity=severity,
                    seed=seed,
                )


def _named(error: PerturbationError, examples: Sequence[Example]) -> PerturbationError:
    """Return the error of the first example that has the text in question."""
    named = (e.id for e in examples if error.text in fields_of(e.inputs).values())
    return error.of_example(next(named, error.example_id))


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    with writing_atomically(out) as stream:
        yield stream


def _write(
    perturbed: Iterable[PerturbedText], stream: TextIO, options: argparse.Namespace, texts: Texts
) -> None:
    as_json = options.json or (options.out is not None and options.out.suffix == ".jsonl")
    for text in perturbed:
        if as_json:
            record = text.record(labels=texts.labelled)
            stream.write(json.dumps(record, ensure_ascii=False).translate(_BREAKS) + "\n")
        elif options.diff:
            stream.write("\n".join(_diff(text)) + "\n")
        else:
            line = _line(text)
            stream.write((escape_controls(line) if stream.isatty() else line) + "\n")


def _line(text: PerturbedText) -> str:
    if not isinstance(text.after, str):
        raise ConfigurationError(
            "texts of several columns do not fit on a line; --json, or --out with .jsonl, has them"
        )
    if "\n" in text.after or "\r" in text.after:
        raise DataError(
            f"the text {text.example.id!r} has several lines; --json, or --out with .jsonl, has it"
        )
    return text.after


def _diff(text: PerturbedText) -> list[str]:
    lines = [one_line(f"[{text.example.id}] {text.name}@{text.severity}", sys.maxsize)]
    after = fields_of(text.after)
    for name, before in fields_of(text.example.inputs).items():
        shown = one_line(word_diff(before, after[name]), sys.maxsize)
        lines.append(f"  {shown}" if len(after) == 1 else f"  {name}: {shown}")
    if not text.changed:
        lines.append("  (unchanged)")
    return lines


def _changes_labels(shift: NoiseShift) -> bool:
    return isinstance(shift.perturbation.contract, Changing)
