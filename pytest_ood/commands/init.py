"""Set a project up: a configuration, a suite and a conftest.py for your own data and models."""

from __future__ import annotations

import inspect
import json
import keyword
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.commands._column_detection import (
    Columns,
    LabelledFile,
    listed_labels,
    look,
    read,
)
from pytest_ood.commands._shared import (
    add_columns,
    add_surroundings,
    reader_of,
    tell,
    text_format,
)
from pytest_ood.data.lazy import compact_json
from pytest_ood.data.values import is_unlabelled
from pytest_ood.errors import ConfigurationError, DataError, OodError, unknown_name
from pytest_ood.gate.configuration import is_configured, parse_configuration, parse_models
from pytest_ood.loading.formats import (
    LIST,
    PARQUET,
    TABLE,
    USUAL_SEPARATORS,
    class_names,
    form_of,
    parse_rows,
    suffix_of,
)
from pytest_ood.loading.readers import DataSource
from pytest_ood.models import adapter, adapters
from pytest_ood.suite.suite import parse_suite
from pytest_ood.tasks import Classification
from pytest_ood.utils.decoding import COMPRESSED
from pytest_ood.utils.files import write_all
from pytest_ood.utils.strict import toml_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ood.data.examples import Dataset
    from pytest_ood.loading.readers import Reader

EXAMPLE = (
    "python -m pytest_ood init --data reviews.csv --out-of-distribution tweets.csv --model tfidf"
)

SHORTCUTS = {
    "tfidf": "TF-IDF and logistic regression, trained on your data",
    "hf": "a folder saved by transformers, PEFT or as ONNX: a classifier, an encoder or an LLM",
}
"""Kinds of models that are no adapter of their own."""

TFIDF_MODULE = "ood_models"
GATE_SHARE = 0.5
"""The share of split data that the gate uses; the rest is for training."""

SHOTS = 4
CAP_LINE = "max_requests = 10000            # a cap; --ood-dry-run shows what a run takes"
RESERVED = ("ood", "request", "config", "monkeypatch", "pytester", "capsys", "tmp_path")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The user's choices, by options or by answers to questions.

    Attributes:
        data: The in-distribution data.
        columns: The columns of the data.
        domains: Data of other domains.
        train: The training data, or None.
        models: The models, each as (kind, name).
        names: The task's label for each label of a checkpoint.
    """

    data: Path
    columns: Columns
    domains: tuple[Path, ...]
    train: Path | None
    models: tuple[tuple[str, str], ...]
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Project:
    """The data of the new project.

    Attributes:
        name: The name of the suite.
        test: The in-distribution data.
        train: The training data, or None.
        domains: Data of other domains, by the name of the shift.
        labels: The labels of the task.
        whole: The in-distribution data before it was split.
        split: The contents of the files that it is split into, by path.
    """

    name: str
    test: DataSource
    train: DataSource | None
    domains: Mapping[str, DataSource]
    labels: tuple[str, ...]
    whole: DataSource
    split: Mapping[Path, str]


def model_kinds() -> dict[str, str]:
    """Return the kinds of models and what each is: the shortcuts, and every adapter."""
    described = {name: (adapter(name).__doc__ or "").partition("\n")[0] for name in adapters()}
    return {**SHORTCUTS, **described}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="labelled: .csv, .tsv, .jsonl, .json, also "
        "compressed (.gz), or .parquet; asked for if left out",
    )
    parser.add_argument(
        "--out-of-distribution",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="labelled data of another domain (repeatable)",
    )
    parser.add_argument(
        "--train",
        type=Path,
        metavar="FILE",
        help="labelled data to train on; left out, what has to be trained gets half of --data",
    )
    parser.add_argument(
        "--model",
        action="append",
        nargs="+",
        default=[],
        metavar="KIND",
        help="repeatable; "
        + "; ".join(kind if kind == "tfidf" else f"{kind} NAME" for kind in model_kinds()),
    )
    parser.add_argument(
        "--model-label",
        action="append",
        default=[],
        metavar="THEIRS=YOURS",
        help="what a label of a saved classifier stands for (repeatable)",
    )
    parser.add_argument("--suite", metavar="NAME", help="of the suite; that of the data file")
    parser.add_argument("--no-conftest", action="store_true", help="write no conftest.py")
    parser.add_argument("--json", action="store_true", help="write what was done as JSON")
    add_columns(parser, detects=True)
    add_surroundings(parser)


def run(options: argparse.Namespace) -> int:
    """Write the files, all of them or none.

    Raises:
        OodError: data that cannot be used, models that do not go with it, or files that are there.
    """
    root = Path.cwd()
    reader = reader_of(options, root)
    asks = options.data is None and sys.stdin.isatty()
    request = _request_by_questions(options, root) if asks else _request_by_options(options)
    name = _suite_name(options.suite or _stem(request.data))
    project, summaries = _project(name, request, reader)
    tables = _models(request, project, root)
    files = {**project.split, **_files(project, tables, root, conftest=not options.no_conftest)}
    _refuse(files, root)
    _check(files, project, reader)
    try:
        write_all(files)
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: cannot be written: {error.strerror}") from None
    written = [str(path.relative_to(root)) for path in files]
    if options.json:
        result = {
            "found": summaries,
            "written": written,
            "suite": name,
            "labels": list(project.labels),
        }
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0
    lines = [*summaries, "", "written:", *(f"  {path}" for path in written), ""]
    lines += ["Next: pytest --ood-suite --ood-dry-run, and then pytest --ood-suite"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _request_by_options(options: argparse.Namespace) -> Request:
    """Return the choices of the options."""
    if options.data is None:
        raise ConfigurationError(
            "say which data: --data FILE; without it questions are asked, which takes a terminal"
        )
    text = tuple(options.text_column) if options.text_column else None
    separator, encoding = text_format(options)
    models = tuple(map(_model, options.model)) or (("tfidf", ""),)
    return Request(
        data=options.data,
        columns=Columns(
            text=text,
            label=options.label_column,
            id=options.id_column,
            separator=separator,
            encoding=encoding,
        ),
        domains=tuple(options.out_of_distribution),
        train=options.train,
        models=models,
        names=dict(map(_pair, options.model_label)),
    )


def _model(words: Sequence[str]) -> tuple[str, str]:
    """Return the kind and the name of a model."""
    kind, *rest = words
    kinds = model_kinds()
    if kind not in kinds:
        raise ConfigurationError(f"--model: {unknown_name('kind of model', kind, kinds)}")
    if len(rest) != (kind != "tfidf"):
        raise ConfigurationError(
            f"--model {' '.join(words)}: {kind} takes "
            + ("nothing more" if kind == "tfidf" else f"one name more: {kinds[kind]}")
        )
    return kind, "".join(rest)


def _pair(entry: str) -> tuple[str, str]:
    theirs, sign, yours = entry.partition("=")
    if not sign or not theirs or not yours:
        raise ConfigurationError(f"--model-label {entry} is not of the form THEIRS=YOURS")
    return theirs, yours


def _request_by_questions(options: argparse.Namespace, root: Path) -> Request:
    """Ask for the choices that the options lack."""
    options.data = Path(_ask("Labelled data (.csv, .tsv or .jsonl)", "", _readable(root)))
    separator, encoding = text_format(options)
    names, detected = _looked(options.data, Columns(separator=separator, encoding=encoding))
    tell(f"{options.data} has the columns {', '.join(names)}")
    if options.text_column is None:
        options.text_column = [_ask("Text column", (detected.text or ("",))[0], _one_of(names))]
    if options.label_column is None:
        options.label_column = _ask("Label column", detected.label or "", _one_of(names))
    if not options.out_of_distribution:
        question = "Labelled data of another domain (nothing: go on)"
        answers = iter(lambda: _ask(question, "", _readable(root, empty=True)), "")
        options.out_of_distribution = [Path(answer) for answer in answers]
    if not options.model:
        for kind, description in model_kinds().items():
            tell(f"  {kind}: {description}")
        kind = _ask("Model", "tfidf", _one_of(tuple(model_kinds())))
        options.model = [[kind] if kind == "tfidf" else [kind, _ask("Which one", "", bool)]]
    return _request_by_options(options)


def _looked(path: Path, columns: Columns) -> tuple[tuple[str, ...], Columns]:
    """Return a file's columns, and the detected ones as suggestions if there are any."""
    try:
        return look(path, columns)
    except ConfigurationError:
        rows = (row for _, row in parse_rows(path, columns.layout(path)))
        return tuple(next(rows, {})), Columns()


def _ask(question: str, default: str, right: Callable[[str], bool]) -> str:
    """Ask until the answer is right.

    Raises:
        ConfigurationError: the input ends.
    """
    while True:
        sys.stderr.write(f"{question}{f' [{default}]' if default else ''}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise ConfigurationError("the answers end here; nothing was written")
        answer = line.strip() or default
        if right(answer):
            return answer


def _one_of(names: Sequence[str]) -> Callable[[str], bool]:
    def right(answer: str) -> bool:
        """Return whether the answer is one of the names; if not, say which are."""
        if answer in names:
            return True
        tell(f"one of {', '.join(names)}")
        return False

    return right


def _readable(root: Path, *, empty: bool = False) -> Callable[[str], bool]:
    def right(answer: str) -> bool:
        """Return whether the answer is a file, or empty where that is allowed."""
        if (root / answer).is_file() or (empty and not answer):
            return True
        tell(f"there is no file {root / answer}")
        return False

    return right


def _project(name: str, request: Request, reader: Reader) -> tuple[Project, list[str]]:
    """Read the data, split it if a model has to be trained, and summarise it."""
    file = read(request.data, request.columns, reader, None)
    lines = [file.summary()]
    labels = file.data.labels
    if len(labels) < 2:  # noqa: PLR2004 - a classification
        unlabelled = is_unlabelled(labels[0])
        meaning = ", which commonly means that a row is unlabelled" if unlabelled else ""
        raise DataError(
            f"{request.data}: every label in {file.source.label!r} is {labels[0]!r}{meaning}; a "
            f"task has two or more. --label-column names another of {', '.join(file.columns)}"
        )
    domains = {}
    for path in request.domains:
        other = _like(path, request.columns, file, reader)
        lines.append(other.summary())
        shift = _suite_name(_stem(path))
        if shift in domains:
            raise ConfigurationError(f"two shifts would have the name {shift!r}; rename {path}")
        domains[shift] = other.source
    train, test = None, file.source
    split: dict[Path, str] = {}
    if request.train is not None:
        trained = _like(request.train, request.columns, file, reader)
        lines.append(trained.summary())
        _check_covers(trained.data, labels, str(request.train))
        train = trained.source
    elif any(_needs_training(kind, value, reader.root) for kind, value in request.models):
        train, test, split = _split(name, file, reader.root)
        lines.append(
            f"half of {file.source.data} is for training: {train.data} and {test.data} are made "
            "of it; --train gives other data"
        )
    return Project(
        name=name,
        test=test,
        train=train,
        domains=domains,
        labels=labels,
        whole=file.source,
        split=split,
    ), lines


def _like(path: Path, columns: Columns, file: LabelledFile, reader: Reader) -> LabelledFile:
    """Read data by the columns of other data if it has them, or by detected ones."""
    written = Columns(separator=columns.separator, encoding=columns.encoding)
    rows = look(path, written)[0] if path.suffix else ()
    source = file.source
    same = {*source.fields, source.label} <= {*rows}
    if same:
        identifier = columns.id if columns.id in rows else None
        columns = replace(written, text=source.fields, label=source.label, id=identifier)
    else:
        columns = written
    return read(path, columns, reader, Classification(file.data.labels))


def _check_covers(data: Dataset, labels: Sequence[str], where: str) -> None:
    for label in labels:
        if label not in data.labels:
            raise DataError(f"{where}: there is no example of the label {label!r} to train on")


def _split(
    name: str, file: LabelledFile, root: Path
) -> tuple[DataSource, DataSource, dict[Path, str]]:
    """Split data into files for training and for the gate."""
    train, test = file.data.split(GATE_SHARE, 0)
    identifier = "id" if "id" not in (*file.source.fields, file.source.label) else "example_id"
    sources, files = [], {}
    for part, data in (("train", train), ("test", test)):
        path = root / "suites" / "data" / f"{name}-{part}.jsonl"
        _check_covers(data, file.data.labels, f"{file.source.data}, its half for {part}")
        files[path] = "".join(
            compact_json(_row(example.inputs, example.label, example.id, file, identifier)) + "\n"
            for example in data
        )
        data_path = path.relative_to(root).as_posix()
        sources.append(
            replace(file.source, data=data_path, id=identifier, separator=None, encoding=None)
        )
    return sources[0], sources[1], files


def _row(
    inputs: Any, label: str, identifier: str, file: LabelledFile, id_column: str
) -> dict[str, str]:
    texts = {file.source.fields[0]: inputs} if isinstance(inputs, str) else dict(inputs)
    return {id_column: identifier, **texts, file.source.label: label}


def _settings(folder: Path, name: str) -> dict[str, Any]:
    """Return a JSON file of a saved model; empty if it cannot be read."""
    try:
        settings = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _architecture(folder: Path) -> str:
    """Return the name of a saved model's class; "" if its configuration has none.

    Of an adapter of PEFT it is the end of the name, which its task decides.
    """
    ends = {"SEQ_CLS": "ForSequenceClassification", "CAUSAL_LM": "ForCausalLM"}
    task = _settings(folder, "adapter_config.json").get("task_type")
    named = _settings(folder, "config.json").get("architectures")
    if task in ends:
        return ends[task]
    return str(named[0]) if isinstance(named, list) and named else ""


def _kind(kind: str, value: str, root: Path) -> str:
    """Return the adapter that a kind of model means."""
    if kind != "hf":
        return {"tfidf": "sklearn", "openai": "prompted"}.get(kind, kind)
    folder = root / value
    if not folder.is_dir():
        raise ConfigurationError(
            f"--model hf {value}: there is no folder {folder}; of a hub id say what it is: "
            "--model finetuned ID, or --model prompted ID"
        )
    architecture = _architecture(folder)
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    if (folder / "model.onnx").is_file() and not weights:
        return "onnx"
    if any(folder.glob("*.gguf")) or architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return "prompted"
    if not architecture:
        raise ConfigurationError(
            f"--model hf {value}: {folder} holds no config.json that names an architecture; say "
            "what it is: --model finetuned FOLDER, or --model prompted FOLDER"
        )
    return "finetuned"


def _is_classifier(value: str, root: Path) -> bool:
    return _architecture(root / value).endswith("ForSequenceClassification")


def _needs_training(kind: str, value: str, root: Path) -> bool:
    if kind == "tfidf":
        return True
    return _kind(kind, value, root) == "finetuned" and not _is_classifier(value, root)


def _models(request: Request, project: Project, root: Path) -> dict[str, list[str]]:
    """Return the lines of each model's table, by its name."""
    tables: dict[str, list[str]] = {}
    for kind, value in request.models:
        name = kind if kind == "tfidf" else _suite_name(_model_name(kind, value))
        while name in tables:
            name += "-2"
        tables[name] = _model_lines(kind, value, request, project, root)
        if len(request.models) > 1 and len(tables) == 1:
            tables[name].append("baseline = true                 # what margins compare with")
    return tables


def _model_lines(
    kind: str, value: str, request: Request, project: Project, root: Path
) -> list[str]:
    named = _kind(kind, value, root)
    if kind == "tfidf":
        return [f'sklearn = "{TFIDF_MODULE}:tfidf"', _train_line("train", project)]
    if named == "sklearn":
        return [f"sklearn = {quoted(value)}"]
    if named == "finetuned":
        lines = [f"finetuned = {quoted(value)}"]
        if _is_classifier(value, root) and request.train is None:
            return [*lines, *_label_lines(value, request, project, root)]
        return [*lines, _train_line("train", project)]
    if named != "prompted":
        return _lines_like_example(named, value, project)
    scheme = "openai:" if kind == "openai" else ""
    lines = [f"prompted = {quoted(scheme + value)}", _prompt_line(project)]
    if kind == "openai":
        lines += [
            'api_key = "OPENAI_API_KEY"      # the name of an environment variable, never a key',
            '# base_url = "http://127.0.0.1:8000/v1"    # a server of your own',
            CAP_LINE,
        ]
    if project.train is not None:
        lines += [f"shots = {SHOTS}", _train_line("demonstrations", project)]
    return lines


def _prompt_line(project: Project) -> str:
    fields = project.test.fields
    names = ["text"] if len(fields) == 1 else list(fields)
    shown = "\n".join(f"{name.capitalize()}: {{{name}}}" for name in names)
    choice = " or ".join(project.labels)
    prompt = f"Answer with one label: {choice}.\n---\n{shown}\nLabel:"
    return f"prompt = {quoted(prompt)}"


def _lines_like_example(name: str, value: str, project: Project) -> list[str]:
    """Return a table of any adapter: its key, the keys that it needs, and others as comments.

    The keys are those of the adapter's own example. Of a key that is a table, as an address with
    what belongs to it, `value` is the first entry.
    """
    module = adapter(name)
    parameters = inspect.signature(module.build).parameters
    (example,) = toml_of(module.EXAMPLE)["tool"]["pytest_ood"]["models"].values()
    chosen = quoted(value)
    if isinstance(example.get(name), dict):
        first, *rest = example[name]
        entries = {first: value, **{key: example[name][key] for key in rest}}
        chosen = _toml_value(entries)
    lines = [f"{name} = {chosen}"]
    written = {name}
    if "prompt" in parameters:
        lines.append(_prompt_line(project))
        written.add("prompt")
    if "max_requests" in parameters:
        lines.append(CAP_LINE)
        written.add("max_requests")
    if "demonstrations" in parameters and project.train is not None:
        lines += [f"shots = {SHOTS}", _train_line("demonstrations", project)]
        written |= {"shots", "demonstrations"}
    for key, entry in example.items():
        if key in parameters and key not in written:
            needed = parameters[key].default is inspect.Parameter.empty
            lines.append(f"{'' if needed else '# '}{key} = {_toml_value(entry)}")
    return lines


def _toml_value(value: Any) -> str:
    """Return a value of TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _label_lines(value: str, request: Request, project: Project, root: Path) -> list[str]:
    """Return the lines that map the labels of a saved classifier to those of the task."""
    config = _settings(root / value, "config.json")
    usual = {0: "LABEL_0", 1: "LABEL_1"} if config else {}
    # An adapter of PEFT has no names of its outputs; a run asks for them.
    theirs = list((config.get("id2label") or usual).values())
    own = {label.casefold() for label in project.labels}
    unknown = [name for name in theirs if name.casefold() not in own and name not in request.names]
    if unknown:
        raise ConfigurationError(
            f"{value}: its labels are {listed_labels(theirs)}, and those of the data "
            f"{listed_labels(project.labels)}; say what they stand for, such as "
            f"--model-label {unknown[0]}={project.labels[0]}"
        )
    if not request.names:
        return []
    listed = ", ".join(f"{quoted(a)} = {quoted(b)}" for a, b in request.names.items())
    return [f"labels = {{ {listed} }}"]


def _train_line(key: str, project: Project) -> str:
    assert project.train is not None, "unreachable because data is split for what is trained"
    entries = _source_entries(project.train, project.test)
    if len(entries) == 1:
        return f"{key} = {quoted(project.train.data)}"
    return f"{key} = {{ {', '.join(entries)} }}"


def _source_entries(source: DataSource, suite: DataSource | None = None) -> list[str]:
    """Return the entries of a data source's table.

    Args:
        source: The data source.
        suite: The data of the suite, whose columns and format need not be repeated; None for the
            data of the suite itself.
    """
    like = DataSource(data="") if suite is None else suite
    form = form_of(source.data)
    entries = [f"data = {quoted(source.data)}"]
    if source.fields != like.fields:
        entries.append(f"fields = [{', '.join(map(quoted, source.fields))}]")
    if source.label != like.label:
        entries.append(f"label = {quoted(source.label)}")
    if source.id not in (None, like.id):
        entries.append(f"id = {quoted(source.id)}")
    if form == TABLE and source.separator != like.separator:
        separator = source.separator or USUAL_SEPARATORS[suffix_of(source.data)]
        entries.append(f"separator = {quoted(separator)}")
    if form != PARQUET and source.encoding != like.encoding:
        entries.append(f"encoding = {quoted(source.encoding or 'utf-8')}")
    return entries


def quoted(text: str) -> str:
    """Return a string as a literal of TOML and Python."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _model_name(kind: str, value: str) -> str:
    """Return a name for a model: its file, folder, object, or name at its server or hub."""
    if kind in ("sklearn", "callable"):
        value = value.rpartition(":")[2]
    name = value.rstrip("/").rpartition("/")[2]
    return name.removesuffix(".joblib").removesuffix(".gguf")


def _stem(path: Path) -> str:
    """Return the name of a file without its ending, compressed or not."""
    is_compressed = path.suffix.lower() == COMPRESSED
    return Path(path.stem).stem if is_compressed else path.stem


def _suite_name(stem: str) -> str:
    """Return a name that suites, shifts and models may have."""
    return re.sub(r"[^\w.-]+|\.", "-", stem).strip("-") or "own"


def _files(
    project: Project, tables: Mapping[str, Sequence[str]], root: Path, *, conftest: bool
) -> dict[Path, str]:
    """Return the files to write, by path; the configuration, which activates them, comes last."""
    suite = root / "suites" / f"{project.name}.toml"
    files = {suite: _suite_text(project, relative=len(tables) > 1)}
    if "tfidf" in tables:
        files[root / f"{TFIDF_MODULE}.py"] = TFIDF
    if conftest:
        files[root / "conftest.py"] = _conftest_text(project, root)
    pyproject = root / "pyproject.toml"
    try:
        before = pyproject.read_text(encoding="utf-8").rstrip("\n")
    except FileNotFoundError:
        before = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{pyproject} cannot be read: {error}") from None
    lines = [*([before, ""] if before else []), *_configuration_lines(project, tables), ""]
    files[pyproject] = "\n".join(lines)
    return files


def _configuration_lines(project: Project, tables: Mapping[str, Sequence[str]]) -> list[str]:
    lines = [
        "[tool.pytest_ood]                   # run it: pytest --ood-suite",
        f"suites = [{quoted(f'suites/{project.name}.toml')}]",
        "# seed = 0                          # of samples and perturbations",
        "# strict = true                     # an inconclusive verdict fails",
        "# alpha = 0.05                      # one-sided level of every bound",
    ]
    for name, table in tables.items():
        lines += ["", f"[tool.pytest_ood.models.{_key(name)}]", *table]
    return lines


def _suite_text(project: Project, *, relative: bool) -> str:
    margin = ", margin = 0.05" if relative else ""
    lines = [
        "# Which data, which shifts, and what may be lost under them; budgets are shares of 1.",
        f"labels = [{', '.join(map(quoted, project.labels))}]",
        "# min_score = 0.8                   # the in-distribution floor",
        "max_examples = 300                  # of each data set; more settle smaller drops",
        "",
        "[in_distribution]",
        *_source_entries(project.test),
    ]
    for name, source in project.domains.items():
        entries = _source_entries(source, project.test)
        lines += ["", f"[shifts.domain.{_key(name)}]", *entries]
    for name in ("keyboard", "ocr", "misspelling"):
        lines += ["", f"[shifts.noise.{name}]", "severity = 3                        # 1 to 5"]
    lines += [
        "# more: python -m pytest_ood perturbations",
        "",
        "[shifts.adversarial.greedy-characters]",
        "query_budget = 20                   # queries of the model for one example",
        "max_examples = 50",
        "",
        "# `max_drop`: of the model's own score; `margin`: beyond the drop of the baseline.",
        "[budgets]",
        *([f"domain = {{ max_drop = 0.10{margin} }}"] if project.domains else []),
        f"noise = {{ max_drop = 0.10{margin} }}",
        "adversarial = { max_drop = 0.60 }",
        "",
    ]
    return "\n".join(lines)


TFIDF = '''"""Models for pytest --ood-suite; pyproject.toml names them as module:name."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def tfidf():
    """Make a pipeline that is trained on the data of `train`."""
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
'''


def _conftest_text(project: Project, root: Path) -> str:
    source = project.test
    name = re.sub(r"\W", "_", project.name).lower()
    if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
        name = f"data_{name}"
    texts = [f"str(row[{quoted(f)}])" for f in source.fields]
    inputs = texts[0]
    if len(texts) > 1:
        pairs = zip(source.fields, texts, strict=True)
        inputs = "{" + ", ".join(f"{quoted(f)}: {text}" for f, text in pairs) + "}"
    modules, rows = _reading(source)
    label = f"row[{quoted(source.label)}]"
    classes = _classes(source, root)
    if classes is not None:
        label = f"{classes!r}[{label}]"
    elif not {*project.labels} <= {"true", "false"}:
        # The fixture itself writes true and false as suites do.
        label = f"str({label})"
    own = "".join(f"import {module}\n" for module in modules if "." not in module)
    others = "\n".join(
        f"import {module}" for module in ("pytest", *(m for m in modules if "." in m))
    )
    return f'''"""Your own data for robustness tests, which `pytest --ood-suite` runs, such as:

def test_typos(ood, ood_model, {name}):
    ood.assert_drop(ood_model, {name}, "keyboard", max_drop=0.20)
"""

{own}from pathlib import Path

{others}

DATA = Path(__file__).parent / {quoted(source.data)}


@pytest.fixture(scope="session")
def {name}():
    """Return pairs of what models are asked and the right label."""
{rows}
        return [({inputs}, {label}) for row in rows]
'''


def _classes(source: DataSource, root: Path) -> list[str] | None:
    """Return the class names of the label column, if whole numbers stand for classes."""
    if form_of(source.data) != PARQUET:
        return None
    return class_names(root / source.data).get(source.label)


def _reading(source: DataSource) -> tuple[list[str], str]:
    """Return what a module that reads a file imports, and the lines that read it."""
    form, suffix = form_of(source.data), suffix_of(source.data)
    if form == PARQUET:
        lines = [
            "    with pyarrow.parquet.ParquetFile(DATA) as file:",
            "        rows = file.read().to_pylist()",
        ]
        return ["pyarrow.parquet"], "\n".join(lines)
    encoding = f"encoding={quoted(source.encoding or 'utf-8-sig')}"
    if form == TABLE:
        module = "csv"
        separator = source.separator or USUAL_SEPARATORS[suffix]
        more = "" if separator == "," else f", delimiter={quoted(separator)}"
        if suffix != ".csv" and separator == "\t":
            more += ", quoting=csv.QUOTE_NONE"
        encoding, rows = f'{encoding}, newline=""', f"csv.DictReader(file{more})"
    else:
        module = "json"
        rows = (
            "json.load(file)"
            if form == LIST
            else "(json.loads(line) for line in file if line.strip())"
        )
    modules, opened = [module], f"DATA.open({encoding})"
    if source.data.lower().endswith(COMPRESSED):
        modules, opened = [module, "gzip"], f'gzip.open(DATA, "rt", {encoding})'
    return sorted(modules), f"    with {opened} as file:\n        rows = {rows}"


def _refuse(files: Mapping[Path, str], root: Path) -> None:
    """Check that no file would be replaced."""
    if is_configured(root):
        raise ConfigurationError(
            f"{root / 'pyproject.toml'} has a table [tool.pytest_ood] already; change that by hand "
            "(`python -m pytest_ood models` shows tables of models), or delete it"
        )
    existing = [path for path in files if path.exists() and path.name != "pyproject.toml"]
    if existing:
        advice = {
            "conftest.py": "--no-conftest leaves it as it is",
            f"{TFIDF_MODULE}.py": "rename or delete it",
        }
        listed = "; ".join(
            f"{path.relative_to(root)} ({advice.get(path.name, '--suite NAME names another')})"
            for path in existing
        )
        raise ConfigurationError(f"nothing was written, because these files are there: {listed}")


def _check(files: Mapping[Path, str], project: Project, reader: Reader) -> None:
    """Check that the files can be read again, before any is written."""
    path, text = next((p, t) for p, t in files.items() if p.name == "pyproject.toml")
    try:
        table = toml_of(text)["tool"]["pytest_ood"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: a table [tool.pytest_ood] cannot be added to it: {error}"
        ) from None
    configuration = parse_configuration(table, str(path))
    for spec in parse_models(configuration.models, "tool.pytest_ood"):
        if spec.source == f"{TFIDF_MODULE}:tfidf":
            continue
        try:
            # Its parts are not written yet.
            options = {
                key: project.whole if key in ("train", "demonstrations") else value
                for key, value in spec.options.items()
            }
            replace(spec, options=options).build(
                Classification(project.labels), reader, reader.cache
            )
        except OodError as error:
            raise ConfigurationError(f"nothing was written: {error}") from None
    suite, text = next((p, t) for p, t in files.items() if p.suffix == ".toml" and p != path)
    parse_suite(text, project.name, str(suite))
