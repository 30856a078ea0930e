from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parquet_files import parquet

from pytest_ood.commands import USAGE_ERROR, main
from pytest_ood.commands.perturb import AT_ONCE
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.suite.frozen import read_frozen
from pytest_ood.suite.suite import load_suite, parse_suite
from pytest_ood.utils.progress import Silent

ROWS = [
    {"key": f"k{n}", "review": f"A wonderful film, number {n}, with long scenes.", "label": "good"}
    for n in range(5)
]


@pytest.fixture
def project(tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """Make a folder with reviews, the first of them twice, and work in it."""
    (tmp_path / "reviews.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in [*ROWS, ROWS[0]])
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Run the command, and return what it wrote as JSON."""
    assert main(["perturb", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put a text on the standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.parametrize("id_column", [None, "key"])
def test_the_texts_are_those_of_the_gate(
    id_column: str | None, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite's own shift makes the same text under the same seed for every id."""
    rows = [*ROWS, *([ROWS[0]] if id_column is None else [])]
    (project / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--id-column", id_column] if id_column else []
    found = made(
        capsys, "swap", "--severity", "4", "--seed", "7", "--shift", "typists", *options,
        "--text-column", "review", "r.jsonl",
    )  # fmt: skip
    columns = f'fields = ["review"]{f", id = {id_column!r}" if id_column else ""}'
    suite = parse_suite(
        'labels = ["bad", "good"]\n'
        f'in_distribution = {{ data = "r.jsonl", {columns} }}\n'
        '[shifts.noise.typists]\nperturbation = "swap"\nseverity = 4\n',
        "own", "own.toml",
    )  # fmt: skip
    source = DataSource(data="r.jsonl", fields=("review",), id=id_column)
    data = Reader(root=project, cache=project, offline=True, progress=Silent()).load(source, "own")
    shifted = suite.shift("typists").apply(data.examples, 7)  # type: ignore[union-attr] # noise
    assert [r["id"] for r in found] == [e.id for e in data]
    assert [r["before"] for r in found] == [e.inputs for e in data]
    assert [r["after"] for r in found] == list(shifted.inputs)
    assert [r["changed"] for r in found] == list(shifted.changed)
    assert any(r["changed"] for r in found)


def test_the_texts_are_those_that_freeze_writes(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a run would put to models, severity by severity, is what is shown here."""
    (project / "own.toml").write_text(
        'labels = ["bad", "good"]\n'
        'in_distribution = { data = "reviews.jsonl", fields = ["review"] }\n'
        "[shifts.noise.keyboard]\nseverity = [2, 5]\n"
    )
    assert main(["freeze", "own.toml", "--seed", "3", "--out", "frozen.jsonl"]) == 0
    capsys.readouterr()
    frozen = read_frozen(project / "frozen.jsonl", "frozen.jsonl")
    suite = load_suite("own.toml", project)
    reader = Reader(root=project, cache=project, offline=True, progress=Silent())
    data = reader.load(suite.in_distribution, "own")  # type: ignore[arg-type] # a file
    found = made(
        capsys, "keyboard", "reviews.jsonl", "--severity", "2,5", "--seed", "3",
        "--text-column", "review",
    )  # fmt: skip
    for severity in (2, 5):
        shown = {r["id"]: r["after"] for r in found if r["severity"] == severity}
        shift = suite.shift(f"keyboard@{severity}")
        replayed = frozen.shifted(shift, data.examples)  # type: ignore[arg-type] # noise
        assert shown == dict(zip((e.id for e in data), replayed.inputs, strict=True))


def test_a_record_tells_what_was_done(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every text under every perturbation is a row with its parts, and its label."""
    found = made(capsys, "swap", "upper-case", str(project / "reviews.jsonl"),
                 "--text-column", "review", "--id-column", "key", "--severity", "5")  # fmt: skip
    assert found[1] == {
        "id": "k0",
        "before": ROWS[0]["review"],
        "after": ROWS[0]["review"].upper(),
        "label": "good",
        "perturbation": "upper-case",
        "severity": 5,
        "seed": 0,
        "changed": True,
    }
    assert [r["perturbation"] for r in found] == ["swap", "upper-case"] * 6


@pytest.mark.usefixtures("project")
def test_lines_in_lines_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From standard input, one text a line, to standard output; blank lines are no texts."""
    typed(monkeypatch, "a good film\r\n\n12\n")
    assert main(["perturb", "upper-case", "--severity", "5"]) == 0
    out, err = capsys.readouterr()
    assert out == "A GOOD FILM\n12\n"
    assert err == "ood: upper-case: 1 of 2 texts changed\n"
    typed(monkeypatch, "a good film\n12\n")
    assert main(["perturb", "upper-case", "--severity", "5", "--only-changed", "-"]) == 0
    assert capsys.readouterr().out == "A GOOD FILM\n"
    typed(monkeypatch, 'text\n"a, good"\n')
    assert main(["perturb", "upper-case", "--severity", "5", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "A, GOOD\n"


@pytest.mark.usefixtures("project")
def test_a_file_is_written_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """--out takes .jsonl and .txt, replaces nothing unasked, and leaves nothing half-written."""
    arguments = ["perturb", "swap", "reviews.jsonl", "--text-column", "review", "--out"]
    assert main([*arguments, "out.jsonl"]) == 0
    assert len(Path("out.jsonl").read_text().splitlines()) == 6
    assert main([*arguments, "out.txt"]) == 0
    assert Path("out.txt").read_text().splitlines() == [
        json.loads(line)["after"] for line in Path("out.jsonl").read_text().splitlines()
    ]
    assert main([*arguments, "out.jsonl"]) == USAGE_ERROR
    assert "out.jsonl is there; --overwrite replaces it" in capsys.readouterr().err
    Path("bad.jsonl").write_text(json.dumps(ROWS[0]) + "\n" * 3 + "{}\n")
    assert main(["perturb", "swap", "bad.jsonl", "--text-column", "review", "--out", "b.txt"]) == 2
    assert "bad.jsonl, row 4: unknown field 'review'" in capsys.readouterr().err
    assert sorted(p.name for p in Path.cwd().iterdir() if p.is_file()) == [
        "bad.jsonl", "out.jsonl", "out.txt", "reviews.jsonl",
    ]  # fmt: skip


@pytest.mark.usefixtures("project")
def test_differences_are_shown_word_by_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--diff marks what went and what came, and makes control characters visible."""
    typed(monkeypatch, "A GOOD film\x1b[2J\nGOOD\n")
    assert main(["perturb", "upper-case", "--severity", "5", "--diff"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].endswith("] upper-case@5")
    assert out[1] == "  A GOOD [-film-]{+FILM+}\\x1b[2J"
    assert out[3:] == ["  GOOD", "  (unchanged)"]


def test_several_columns_are_several_fields(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each column is perturbed under a generator of its own, and rows have both."""
    (project / "nli.csv").write_text("premise,hypothesis\nit is so,it is so\n")
    options = ["--text-column", "premise", "--text-column", "hypothesis", "nli.csv"]
    (row,) = made(capsys, "swap", *options)
    assert row["before"] == {"premise": "it is so", "hypothesis": "it is so"}
    assert row["after"].keys() == row["before"].keys()
    assert main(["perturb", "swap", *options]) == USAGE_ERROR
    assert "texts of several columns do not fit on a line; --json" in capsys.readouterr().err


def test_a_changed_label_is_known_or_not_said(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A perturbation that changes labels never passes the old one off as the new one."""
    row = {"text": "the film is good", "label": "good"}
    (project / "one.jsonl").write_text(json.dumps(row))
    assert made(capsys, "negate", "one.jsonl")[0]["label"] is None
    assert made(capsys, "negate", "one.jsonl", "--labels", "bad,good")[0]["label"] == "bad"
    assert main(["perturb", "negate", "one.jsonl"]) == 0
    assert "negate changes labels; name them with --labels A,B" in capsys.readouterr().err


def test_parameters_and_protection(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    """--set gives parameters, --protect spans that stay; one's own perturbation works, too."""
    (project / "t.txt").write_text("see http://example.org/long words everywhere\n")
    assert main(["perturb", "swap", "t.txt", "--set", "share=1.0"]) == 0
    shown = capsys.readouterr().out
    assert "http://example.org/long" in shown
    assert "everywhere" not in shown
    assert main(["perturb", "swap", "t.txt", "--set", "share=1.0", "--protect", "numbers"]) == 0
    assert "http://example.org/long" not in capsys.readouterr().out
    (project / "mine_for_perturb.py").write_text(
        "from pytest_ood import perturbation\n"
        '@perturbation(source="me")\n'
        'def shout(text, rng):\n    return text + "!"\n'
    )
    assert main(["perturb", "mine_for_perturb:shout", "t.txt"]) == 0
    assert capsys.readouterr().out.endswith("everywhere!\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["keybord", "t.txt"], "unknown perturbation 'keybord'. Did you mean 'keyboard'"),
        (["pwws", "t.txt"], "pwws is an attack: it needs a model to search against"),
        (["t.txt"], "say what is done to the texts of t.txt: abbreviate, "),
        (["swap", "none.txt"], "none.txt: there is no such file"),
        (["swap", "t.txt", "--severity", "6"], "severity = 6 is a whole number from 1 to 5"),
        (["swap", "t.txt", "--severity", "high"], "--severity high is a whole number from 1 to 5"),
        (["swap", "t.txt", "--set", "share"], "--set share is not of the form KEY=VALUE"),
        (["swap", "t.txt", "--set", "shar=1"], "unknown parameter 'shar'. Did you mean 'share'"),
        (["swap", "t.txt", "--protect", "url"], "unknown kind of span 'url'. Did you mean 'urls'"),
        (["swap", "t.txt", "--out", "o.csv"], "unknown kind of file '.csv'"),
        (["swap", "t.txt", "--out", "no/o.txt"], "there is no folder no to write o.txt in"),
        (
            ["swap", "t.txt", "--text-column", "x"],
            "--text-column: t.txt is read as one text a line",
        ),
        (["swap", "ocr", "t.txt", "--shift", "x"], "--shift names one shift"),
        (["swap", "latin.txt"], "latin.txt, line 1: byte 0xe9 is not valid UTF-8"),
        (["swap", "two.jsonl", "--text-column", "tex"], "--text-column names the one that has"),
        (["m_twice:once", "t.txt"], "perturbation 'once': for example '"),
        (["swap", "two.jsonl"], "two.jsonl, row 1, field 'text': None is neither text nor"),
    ],
)
def test_wrong_use_is_told(
    arguments: list[str], message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every message names what was given and what is allowed; the status is 2."""
    (project / "t.txt").write_text("a film\n")
    (project / "m_twice.py").write_text(
        "from pytest_ood.perturbations import from_function\n"
        "once = from_function(lambda text: None, 'once')\n"
    )
    (project / "latin.txt").write_bytes(b"caf\xe9\n")
    (project / "two.jsonl").write_text('{"text": null}\n')
    assert main(["perturb", *arguments]) == USAGE_ERROR
    assert message in capsys.readouterr().err


def test_a_text_of_several_lines_does_not_fit_on_one(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines out would be ambiguous; JSON has it."""
    (project / "t.jsonl").write_text(json.dumps({"text": "a\nfilm"}))
    assert main(["perturb", "swap", "t.jsonl"]) == USAGE_ERROR
    assert "has several lines; --json" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_a_stream_is_not_held(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Texts come out before all have been read: no more than are made at once are ahead."""
    read = 0

    class Endless(io.RawIOBase):
        def __iter__(self) -> Any:
            nonlocal read
            while True:
                read += 1
                if read > 3 * AT_ONCE:
                    raise KeyboardInterrupt
                yield b"a film\n"

    class Stdin:
        buffer = Endless()

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert main(["perturb", "upper-case", "--severity", "5"]) == 130
    assert capsys.readouterr().out == "A FILM\n" * (3 * AT_ONCE)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1),
    name=st.sampled_from(["swap", "ocr", "upper-case", "zero-width", "expand"]),
)
def test_what_comes_before_is_what_was_given(
    texts: list[str], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any text goes through unharmed, and `changed` says whether it is another afterwards."""
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    capsys.readouterr()
    found = made(capsys, name, str(path))
    assert [row["before"] for row in found] == texts
    assert all(row["changed"] == (row["before"] != row["after"]) for row in found)


def test_every_kind_of_file_is_perturbed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compressed, Parquet, other separators and encodings: the same rows give the same texts."""
    texts = [row["review"] + " caf\u00e9" for row in ROWS]
    rows = [{"review": text, "label": "good"} for text in texts]
    plain = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    table = "review;label\n" + "".join(f'"{text}";good\n' for text in texts)
    tabs = "review\tlabel\n" + "".join(f"{text}\tgood\n" for text in texts)
    (project / "a.parquet").write_bytes(parquet(rows))
    for name, content in (
        ("a.jsonl", plain), ("a.JSONL", plain), ("a.ndjson", plain),
        ("a.jsonl.gz", gzip.compress(plain)), ("a.json", json.dumps(rows).encode()),
        ("a.csv", table.encode()), ("a.csv.gz", gzip.compress(table.encode())),
        ("a.tsv", tabs.encode()), ("a.tsv.gz", gzip.compress(tabs.encode())),
        ("b.csv", table.encode("latin-1")),
    ):  # fmt: skip
        (project / name).write_bytes(content)
    options = ["--text-column", "review", "--severity", "3"]
    expected = made(capsys, "swap", *options, "a.jsonl")
    assert [row["before"] for row in expected] == texts
    for name in ("a.JSONL", "a.ndjson", "a.jsonl.gz", "a.json", "a.csv", "a.csv.gz", "a.tsv",
                 "a.tsv.gz", "a.parquet"):  # fmt: skip
        assert made(capsys, "swap", *options, name) == expected
    latin = ["--encoding", "latin-1", "--separator", ";"]
    assert made(capsys, "swap", *options, *latin, "b.csv") == expected
    (project / "a.txt").write_bytes("\n".join(texts).encode("utf-16"))
    lines = made(capsys, "swap", "--encoding", "utf-16", "a.txt")
    assert [row["before"] for row in lines] == texts
    (project / "a.txt.gz").write_bytes(gzip.compress("\n".join(texts).encode()))
    assert [row["before"] for row in made(capsys, "swap", "a.txt.gz")] == texts


@pytest.mark.parametrize(
    ("label", "text"), [(True, "true"), (1, "1"), (1.5, "1.5"), (None, ""), (-1, "-1")]
)
def test_labels_of_any_kind_go_along(
    project: Path, capsys: pytest.CaptureFixture[str], label: Any, text: str
) -> None:
    """Whatever the label of a row is, its text is perturbed and its id is the suite's."""
    (project / "a.jsonl").write_text(json.dumps({"text": "A good film.", "label": label}))
    (row,) = made(capsys, "swap", "a.jsonl")
    assert row["label"] == text
    if label is not None:
        reader = Reader(root=project, cache=project, offline=True, progress=Silent())
        assert row["id"] == reader.load(DataSource(data="a.jsonl"), "d").examples[0].id


@pytest.mark.parametrize("name", ["a.xlsx", "a.pkl", "a.zip", "a.conllu"])
def test_files_of_no_text_are_refused(
    project: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """What holds no lines of text is refused with what to do; --format says otherwise."""
    (project / name).write_text("a text\n")
    assert main(["perturb", "swap", name]) == USAGE_ERROR
    assert f"{name}: {Path(name).suffix} files are not read; what to do" in capsys.readouterr().err
    assert main(["perturb", "swap", "--format", "lines", name]) == 0
