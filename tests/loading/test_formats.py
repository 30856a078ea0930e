from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parquet_files import parquet

from pytest_ood.data.examples import Dataset
from pytest_ood.errors import ConfigurationError, DataError, MissingDependencyError, OodError
from pytest_ood.loading.formats import FileLayout, parse_rows, suffix_of
from pytest_ood.loading.readers import DataSource, Reader, parse_redirects, parse_source
from pytest_ood.tasks import Classification, NumericAnswer, QuestionAnswering, Task
from pytest_ood.utils.progress import Silent

ROWS = [{"text": "a fine, warm film", "label": "pos"}, {"text": 'it\'s "dull"', "label": "neg"}]
PAIRS = [(row["text"], row["label"]) for row in ROWS]
TASK = Classification(("neg", "pos"))
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def table(rows: list[dict[str, Any]], separator: str = ",", end: str = "\n") -> str:
    """Write rows as a table, as spreadsheets do."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=separator, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def lines(rows: list[dict[str, Any]]) -> str:
    """Write rows as lines of JSON."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


TSV = "text\tlabel\n" + "".join(f"{row['text']}\t{row['label']}\n" for row in ROWS)
CONTENTS: dict[str, bytes] = {
    ".csv": table(ROWS).encode(),
    ".tsv": TSV.encode(),
    ".jsonl": lines(ROWS).encode(),
    ".ndjson": lines(ROWS).encode(),
    ".json": json.dumps(ROWS).encode(),
}
COMPRESSIBLE = list(CONTENTS)
SUFFIXES = [*CONTENTS, ".parquet"]


def content_of(suffix: str) -> bytes:
    """Return the rows as a file of this kind."""
    return parquet(ROWS) if suffix == ".parquet" else CONTENTS[suffix]


def read(
    folder: Path, name: str, content: str | bytes, task: Task | None = None, **source: Any
) -> Dataset:
    """Write a file, and load it as the table of a source describes it."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found = parse_source({"data": name, **source}, "here")
    return Reader(root=folder, cache=folder, offline=True, progress=Silent()).load(found, "d", task)


def pairs(data: Dataset) -> list[tuple[Any, str]]:
    """Return inputs and labels."""
    return [(example.inputs, example.label) for example in data]


def refused(
    folder: Path, name: str, content: str | bytes, task: Task | None = None, **source: Any
) -> str:
    """Return the message with which a file is refused, without its path."""
    with pytest.raises(DataError) as caught:
        read(folder, name, content, task, **source)
    message = str(caught.value)
    assert message.startswith(str(folder / name)), "the message starts with the file"
    return message.removeprefix(str(folder / name))


# Kinds of files.


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["reviews", "reviews.v2", "REVIEWS"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, suffix: str, name: str) -> None:
    """The ending decides, in small letters or capitals."""
    for ending in (suffix, suffix.upper()):
        data = read(tmp_path, name + ending, content_of(suffix), TASK)
        assert pairs(data) == PAIRS


@pytest.mark.parametrize("suffix", COMPRESSIBLE)
@pytest.mark.parametrize("gz", [".gz", ".GZ"])
def test_compressed_files_give_the_same_rows(tmp_path: Path, suffix: str, gz: str) -> None:
    """A compressed file is read as the file in it; its members follow each other."""
    whole = CONTENTS[suffix]
    data = read(tmp_path, f"a{suffix}{gz}", gzip.compress(whole), TASK)
    assert pairs(data) == PAIRS
    parts = gzip.compress(whole[:20]) + gzip.compress(whole[20:])
    assert pairs(read(tmp_path, f"a{suffix}{gz}", parts, TASK)) == PAIRS
    assert [e.id for e in data] == [e.id for e in read(tmp_path, f"a{suffix}", whole, TASK)]


@pytest.mark.parametrize("suffix", COMPRESSIBLE)
def test_damaged_compressed_files_are_said_to_be(tmp_path: Path, suffix: str) -> None:
    """What ends too early, has other bytes, or is not compressed at all is refused by its name."""
    whole = gzip.compress(CONTENTS[suffix] * 50, compresslevel=0)
    cut = refused(tmp_path, f"a{suffix}.gz", whole[:-30])
    assert cut == ": the compressed file ends too early; copy it, or compress it, again"
    assert "compressed file" in refused(tmp_path, f"a{suffix}.gz", gzip.compress(b"ab")[:12])
    swapped = whole[:-8] + bytes(8)
    assert ": the compressed file is damaged: " in refused(tmp_path, f"a{suffix}.gz", swapped)
    plain = refused(tmp_path, f"a{suffix}.gz", CONTENTS[suffix])
    assert plain == ": it is not compressed by gzip, as its name says; take .gz off its name"
    unnamed = refused(tmp_path, f"a{suffix}", gzip.compress(CONTENTS[suffix]))
    assert unnamed == ": it is no text: it is compressed by gzip: let its name end in .gz"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.xlsx", "save the sheet as CSV"), ("a.XLS", "save the sheet as CSV"),
        ("a.ods", "save the sheet as CSV"), ("a.arrow", "save it as Parquet"),
        ("a.feather", "save it as Parquet"), ("a.pkl", "save it as JSONL"),
        ("a.pickle", "save it as JSONL"), ("a.zip", "unpack it"), ("a.csv.zip", "unpack it"),
        ("a.csv.bz2", "unpack it"), ("a.jsonl.zst", "unpack it"), ("a.tar.gz", "unpack it"),
        ("a.conllu", "save words and their tags in a"), ("a.sqlite", "save the table as CSV"),
        ("a.parquet.gz", "unpack it"), ("a.txt", "`columns`"), ("a.txt.gz", "`columns`"),
        ("a", "unknown kind of data file ''"), ("a.gz", "unknown kind of data file '.gz'"),
        ("a.data", "Known: .bio, .conll, .csv, .iob, .json, .jsonl, .ndjson, .parquet, .tsv."),
    ],
)  # fmt: skip
def test_other_kinds_are_refused_with_what_to_do(tmp_path: Path, name: str, advice: str) -> None:
    """A file that is not read is a usage error before it is opened."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, name, b"")
    assert str(caught.value).startswith(f"here: {name}: ")
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04\x14\0\0\0", "a spreadsheet (.xlsx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a spreadsheet (.xls)"), (None, "a Parquet file"),
        (b"ARROW1\0\0", "an Arrow file"), (b"\x28\xb5\x2f\xfd\x04", "zstd"),
        (b"\xfd7zXZ\x00\x00", "xz"), (b"BZh91AY&SY\0", "bzip2"), (b"\x80\x04\x95\0", "a pickle"),
        (b"SQLite format 3\0", "an SQLite database"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", COMPRESSIBLE)
def test_other_contents_are_called_by_their_name(
    tmp_path: Path, suffix: str, content: bytes | None, what: str
) -> None:
    """A spreadsheet that was renamed is called a spreadsheet."""
    # The one of a real Parquet file takes a package that not every environment has.
    message = refused(tmp_path, f"a{suffix}", parquet(ROWS) if content is None else content)
    assert message.startswith(": it is no text: it is ")
    assert what in message


def test_a_text_may_begin_like_another_kind(tmp_path: Path) -> None:
    """Letters alone make no other kind of file."""
    for word in ("PAR1", "BZh", "ARROW1", "PK"):
        data = read(tmp_path, "a.csv", f"{word},label\na,b\n", fields=[word])
        assert pairs(data) == [("a", "b")]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl.gz", "a.json"])
def test_folders_and_files_that_are_gone_are_named(tmp_path: Path, name: str) -> None:
    """A folder in the place of a file says that a file is wanted."""
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    for load in (
        lambda: reader.load(DataSource(data=name), "d"),
        lambda: reader.check(DataSource(data=name)),
    ):
        with pytest.raises(DataError, match=rf"{name}: there is no such file"):
            load()
    (tmp_path / name).mkdir()
    for load in (
        lambda: reader.load(DataSource(data=name), "d"),
        lambda: reader.check(DataSource(data=name)),
    ):
        with pytest.raises(DataError, match=rf"{name}: .*it is a folder; name the file that has"):
            load()


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    """Whatever pyarrow raises is an error of the file."""
    whole = parquet(ROWS)
    middle = whole[:40] + bytes(40) + whole[80:]
    for content in (b"", b"PAR1", whole[:-5], whole[:50], b"text,label\n", middle):
        message = refused(tmp_path, "a.parquet", content)
        assert message.startswith(": not a Parquet file that can be read (after row ")


def test_a_parquet_file_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names the pip command."""
    content = parquet(ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[datasets\]"'):
        read(tmp_path, "a.parquet", content)


def test_columns_of_a_parquet_file_may_be_objects(tmp_path: Path) -> None:
    """Dots lead into them, lists are answers, and a repeated column is refused."""
    rows = [{"q": "Capital?", "answers": {"text": ["Paris", "Paris, France"]}, "n": 1.0}]
    source = {"fields": ["q"], "label": "answers.text", "id": "n"}
    (example,) = read(tmp_path, "a.parquet", parquet(rows), QuestionAnswering(), **source)
    assert (example.label, example.references) == ("Paris", ("Paris, France",))
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table([[1], [2]], names=["text", "text"]), stream)
    assert "the column 'text' occurs twice" in refused(tmp_path, "a.parquet", stream.getvalue())


def test_classes_of_a_parquet_file_have_names(tmp_path: Path) -> None:
    """A file that `datasets` has written names its classes; -1 is none of them."""
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}]
    content = parquet(rows, {"label": ["neg", "pos"]})
    message = refused(tmp_path, "a.parquet", content, TASK)
    assert message.startswith(", row 3, field 'label': -1 commonly means that a row is unlabelled")
    where = {"label": ["neg", "pos"]}
    data = read(tmp_path, "a.parquet", content, TASK, where=where)
    assert pairs(data) == [("a", "pos"), ("b", "neg")]


# What goes with all of them.


@pytest.mark.parametrize("suffix", [*SUFFIXES, *(f"{suffix}.gz" for suffix in COMPRESSIBLE)])
def test_rows_are_chosen_in_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    """`where`, `steps`, `max_examples` and ids are the same whatever the file."""
    rows = [
        {"text": f"t{n}", "label": "pos", "id": f"i{n}", "part": n % 2, "why": "x\n" * (n % 3 + 1)}
        for n in range(20)
    ]
    base = suffix.removesuffix(".gz")
    if base == ".tsv":
        rows = [{**row, "why": "x"} for row in rows]
        content = table(rows, "\t").encode()
    else:
        made: dict[str, Callable[[], bytes]] = {
            ".csv": lambda: table(rows).encode(),
            ".json": lambda: json.dumps(rows).encode(),
            ".parquet": lambda: parquet(rows),
        }
        content = made.get(base, lambda: lines(rows).encode())()
    content = gzip.compress(content) if suffix.endswith(".gz") else content
    table_ = {"id": "id", "where": {"part": 1}, "rationale": "why", "steps": [1, 2]}
    data = read(tmp_path, f"a{suffix}", content, TASK, **table_)
    expected = [f"i{n}" for n in range(20) if n % 2 and (base == ".tsv" or n % 3 < 2)]
    assert [example.id for example in data] == expected
    part = read(tmp_path, f"a{suffix}", content, TASK, **table_, max_examples=3)
    again = read(tmp_path, "b.jsonl", lines(rows), TASK, **table_, max_examples=3)
    assert [e.id for e in part] == [e.id for e in again]
    assert part.content_hash == again.content_hash or base == ".tsv"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv.gz", ".jsonl.gz", ".parquet", ".csv", ".jsonl"])
def test_long_files_are_not_held(tmp_path: Path, suffix: str) -> None:
    """Reading takes as much memory for many rows as for few."""
    path = tmp_path / f"a{suffix}"

    def written(count: int) -> None:
        rows: Iterator[dict[str, Any]] = (
            {"text": f"{n} " + "word " * 100, "label": "pos"} for n in range(count)
        )
        if suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            schema = pa.schema([("text", pa.string()), ("label", pa.string())])
            with pq.ParquetWriter(path, schema) as writer:
                for _ in range(count // 1000):
                    part = [next(rows) for _ in range(1000)]
                    writer.write_table(pa.Table.from_pylist(part, schema))
            return
        with gzip.open(path, "wt", compresslevel=1) if ".gz" in suffix else path.open("w") as file:
            if suffix.startswith(".csv"):
                file.write("text,label\n")
            for row in rows:
                file.write(f"{row['text']},pos\n" if ".csv" in suffix else json.dumps(row) + "\n")

    def peak(count: int) -> int:
        written(count)
        tracemalloc.start()
        assert sum(1 for _ in parse_rows(path)) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    few = peak(2_000)
    assert peak(12_000) < few + 1_000_000


# Encodings.

TEXT = "text,label\nçafé \u2013 naïve,pos\nüber,neg\n"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be",
                                      "utf-32", "utf-8", "utf-8-sig", "UTF_16", "iso8859-15",
                                      "mac_roman", "gb18030", "utf-7"])  # fmt: skip
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_the_key_encoding_is_read(tmp_path: Path, encoding: str, suffix: str) -> None:
    """Every encoding that Python knows gives the same text."""
    text = TEXT.replace("\u2013", "-")
    content = text.encode(encoding)
    content = gzip.compress(content) if suffix.endswith(".gz") else content
    data = read(tmp_path, f"a{suffix}", content, TASK, encoding=encoding)
    assert pairs(data) == [("çafé - naïve", "pos"), ("über", "neg")]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".tsv", ".ndjson"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-be"])
def test_other_kinds_have_encodings_too(tmp_path: Path, suffix: str, encoding: str) -> None:
    """JSON and tables with tabs are read in another encoding, too."""
    content = CONTENTS[suffix].decode().replace("fine", "fïne").encode(encoding)
    data = read(tmp_path, f"a{suffix}", content, TASK, encoding=encoding)
    assert pairs(data)[0] == ("a fïne, warm film", "pos")


def test_the_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    """Whether a mark says the order of the bytes, or the key does, it is no part of the text."""
    for key, content in (
        ("utf-16", TEXT.encode("utf-16")),
        ("utf-16", b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ("utf-16-le", b"\xff\xfe" + TEXT.encode("utf-16-le")),
        ("utf-32", TEXT.encode("utf-32")),
        ("utf-8", TEXT.encode("utf-8-sig")),
        ("utf-8-sig", TEXT.encode()),
    ):
        assert pairs(read(tmp_path, "a.csv", content, TASK, encoding=key))[1] == ("über", "neg")


@pytest.mark.slow
def test_a_wrong_encoding_is_located(tmp_path: Path) -> None:
    """The message names line, byte, its offset, and the key."""
    content = TEXT.replace("\u2013", "-").encode("latin-1")
    assert refused(tmp_path, "a.csv", content) == (
        ", line 2: byte 0xe7 is not valid UTF-8; save the file as UTF-8, or name its encoding "
        'beside `data`, such as encoding = "cp1252" (it is the byte at offset 11)'
    )
    assert refused(tmp_path, "a.csv", content, encoding="ascii") == (
        ", line 2: byte 0xe7 is not valid ASCII; encoding = 'ascii' is not that of the file; "
        "without it UTF-8 is read (it is the byte at offset 11)"
    )
    far = ("text,label\n" + "word,pos\n" * 20_000).encode() + b"caf\xe9,pos\n"
    assert ", line 20002: byte 0xe9 " in refused(tmp_path, "a.csv", far)
    assert f"offset {len(far) - 6:,})" in refused(tmp_path, "a.csv", far)
    cut = "text,label\na,pos\n".encode("utf-16") + b"a"
    assert ", line 3: byte 0x61 is not valid UTF-16; " in refused(
        tmp_path, "a.csv", cut, encoding="utf-16"
    )
    for mark, name in (
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
        (b"\xef\xbb\xbf", "utf-8"),
    ):
        message = refused(tmp_path, "a.csv", mark + b"a\0", encoding="latin-1")
        assert f'encoding = "{name}"' in message
    wide = refused(tmp_path, "a.csv", "text,label\na,pos\n".encode("utf-16-le"))
    assert ", line 1: there is a byte 0 in it" in wide
    assert 'encoding = "utf-16"' in wide


@pytest.mark.parametrize("encoding", ["utf-99", "hex", "base64", "", "a\0b", "rot13", 8, "zip"])
def test_an_encoding_that_there_is_not_is_a_usage_error(tmp_path: Path, encoding: Any) -> None:
    """What Python does not know, or what is no encoding of text, is refused by its name."""
    with pytest.raises(ConfigurationError, match=r"^here: encoding "):
        read(tmp_path, "a.csv", TEXT, encoding=encoding)


@pytest.mark.parametrize(
    ("data", "key"),
    [("a.parquet", "encoding"), ("hub:x", "encoding"), ("asset:icwsm-2014/nyt", "encoding"),
     ("a.jsonl", "separator"), ("a.parquet", "separator"), ("hub:x", "separator"),
     ("asset:icwsm-2014/nyt", "separator"), ("a.json", "separator")],
)  # fmt: skip
def test_keys_that_a_kind_of_data_has_not(data: str, key: str) -> None:
    """A key that would be of no account is refused."""
    value = {"encoding": "latin-1", "separator": ";"}[key]
    with pytest.raises(ConfigurationError, match=rf"here: {data}: {key}: "):
        parse_source({"data": data, key: value}, "here")


# Separators.


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_separator_is_found_in_the_header(tmp_path: Path, suffix: str, separator: str) -> None:
    """The one sign with which the header has the columns that are needed separates the cells."""
    content = table([{**row, "text": row["text"].replace('"', "")} for row in ROWS], separator)
    if suffix == ".tsv" and separator == "\t":
        content = content.replace('"', "")
    expected = [(text.replace('"', ""), label) for text, label in PAIRS]
    assert pairs(read(tmp_path, f"a{suffix}", content, TASK)) == expected


@pytest.mark.parametrize("separator", [";", "\t", "|", ":", " ", "~", ","])
def test_a_separator_may_be_said(tmp_path: Path, separator: str) -> None:
    """Any sign may be one, and then nothing is looked for."""
    content = table(ROWS, separator)
    assert pairs(read(tmp_path, "a.csv", content, TASK, separator=separator)) == PAIRS


def test_what_is_found_does_not_hang_on_the_rows(tmp_path: Path) -> None:
    """Only the header tells; the usual sign wins, and of two others neither."""
    assert pairs(read(tmp_path, "a.csv", "text,label,a;b\nx;y,pos,c\n", TASK)) == [("x;y", "pos")]
    assert pairs(read(tmp_path, "a.csv", 'x;"text";label\n1;2,5;pos\n', TASK)) == [("2,5", "pos")]
    message = refused(tmp_path, "a.csv", "text;x|label\na;b|c\n")
    assert "unknown field 'text'" in message
    message = refused(tmp_path, "a.csv", "text:label\na:pos\n")
    assert ": " in message
    assert "unknown field 'text'. Did you mean 'text:label'? Known: text:label." in message


@pytest.mark.parametrize("separator", ["", "ab", '"', "\n", "\r", "\0", 3])
def test_a_separator_is_one_sign(separator: Any) -> None:
    """A quote or the end of a line separates nothing."""
    with pytest.raises(ConfigurationError, match=r"here: separator (=|is empty)"):
        parse_source({"data": "a.csv", "separator": separator}, "here")


# Tables.

TABLES = [
    ('text,label\n"a,1\nb,0\n', "line 2: the quote that opens here is never closed"),
    ('text,label\n"a\nb",1\nc,"0\n', "line 4: the quote that opens here is never closed"),
    ('text,label\nc,0\n"a\n\nb,"1\n', "line 3: the quote that opens here is closed in line 5"),
    ('text,label\n"a" b,1\n', "line 2: the quote that opens here is closed in line 2"),
    ('text,label\n"a\r\nb",1\r\n"c,0\r\n', "line 4: the quote that opens here is never closed"),
    ('text,label\r"a\rb",1\r"c,0\r', "line 4: the quote that opens here is never closed"),
    ('text,"label\na,1\n', "line 1: the quote that opens here is never closed"),
    ('"text",label\n"say ""hi""",1\n"say ""hi",0\n"', "line 4: the quote that opens here is never"),
    ('text,label\n"a\nb",1,2\n', "line 2: the row has more columns than the header"),
    ('text,label\n"a\nb",1\nc\n', "line 4: the row has fewer columns than the header"),
    ("\n\ntext,label\nc\n", "line 4: the row has fewer columns than the header"),
    ('text,label\n"a\nb",1\nc\0,1\n', "line 4: there is a byte 0 in it"),
    ('\n\n"a\nb",text,text\n', "line 3: the column 'text' occurs twice"),
    ("text,text,text\n", "line 1: the column 'text' occurs 3 times"),
    ("# reviews\ntext,label\na,1\n", "line 2: the row has more columns than the header (# rev"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), TABLES)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no BOM", "BOM"])
def test_what_is_wrong_in_a_table_is_located(
    tmp_path: Path, content: str, message: str, mark: str
) -> None:
    """The line is counted from 1, the header and the lines of quoted texts included."""
    assert refused(tmp_path, "a.csv", mark + content).startswith(f", {message}")
    packed = gzip.compress((mark + content).encode())
    assert refused(tmp_path, "a.csv.gz", packed).startswith(f", {message}")


def test_a_row_is_numbered_by_the_line_that_it_begins_in(tmp_path: Path) -> None:
    """What is wrong with a value is found in the file, blank lines and long rows or not."""
    content = 'text,label\n"a\n\nb",pos\n\nc,nge\n'
    message = refused(tmp_path, "a.csv", content, TASK)
    assert message.startswith(", row 6, field 'label': unknown label 'nge'. Did you mean 'neg'?")
    rows = [*parse_rows(tmp_path / "a.csv")]
    assert [number for number, _ in rows] == [2, 6]


def test_empty_columns_of_spreadsheets_are_none(tmp_path: Path) -> None:
    """Columns without a name, as spreadsheets leave them behind, are of no account."""
    data = read(tmp_path, "a.csv", ",text,label,,\n0,a,pos,,\n\n1,b,neg,,\n", TASK)
    assert pairs(data) == [("a", "pos"), ("b", "neg")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".ndjson", ".json"])
def test_lines_end_in_any_way(tmp_path: Path, suffix: str, end: str) -> None:
    """Line feeds, carriage returns and both are the same."""
    content = CONTENTS[suffix].decode().replace("\n", end)
    assert pairs(read(tmp_path, f"a{suffix}", content, TASK)) == PAIRS
    assert pairs(read(tmp_path, f"a{suffix}", content + end * 2, TASK)) == PAIRS


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_other_signs_end_no_line(tmp_path: Path, sign: str) -> None:
    """What only Unicode takes for a line's end is text, in JSON, too, where it may be."""
    row = {"text": f"a{sign}b", "label": "pos"}
    content = table([row])
    assert pairs(read(tmp_path, "a.csv", content, TASK)) == [(f"a{sign}b", "pos")]
    if sign > "\x20":
        content = lines([row, row])
        assert pairs(read(tmp_path, "a.jsonl", content, TASK)) == [(f"a{sign}b", "pos")] * 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '# rows\n{"text": "a", "label": "b"}\n', "line 1: not valid JSON: Expecting "
         "value; there are no comments: delete the line"),
        ("a.jsonl", '[\n{"text": "a", "label": "b"}\n]', "line 1: not valid JSON: Expecting value; "
         "a row is one line: let the name of a file that is one list end in .json"),
        ("a.jsonl", '{\n"text": "a"}', "line 1: not valid JSON: "),
        ("a.json", '{"text": "a"}\n{"text": "b"}\n', "not valid JSON: Extra data; where each line "
         "is an object, let the file's name end in .jsonl"),
        ("a.json", "", "not valid JSON: Expecting value: the file is empty"),
        ("a.json", '{"a": [{"b": 1}]}', "it is no list of rows, but holds some; `split` names one: "
         "a"),
    ],
)  # fmt: skip
def test_json_of_the_other_kind_is_told(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    """A list in a file of lines, and lines in a file of a list, say what the name should be."""
    found = refused(tmp_path, name, content)
    assert found.removeprefix(": ").removeprefix(", ").startswith(message)


# Labels.

NAMES = {"true": "pos", "false": "neg"}
NUMBERS = {"1": "pos", "0": "neg"}
TRUTHS: list[dict[str, Any]] = [{"text": "a", "label": True}, {"text": "b", "label": False}]


@pytest.mark.parametrize(
    ("name", "content", "labels"),
    [
        ("a.jsonl", lines(TRUTHS), NAMES),
        ("a.json", json.dumps(TRUTHS), NAMES),
        ("a.csv", "text,label\na,True\nb,False\n", NAMES),
        ("a.csv", "text,label\na,TRUE\nb,FALSE\n", NAMES),
        ("a.csv", "text,label\na,true\nb,false\n", NAMES),
        ("a.csv", "text,label\na,True\nb,False\n", {"True": "pos", "False": "neg"}),
        ("a.parquet", TRUTHS, NAMES),
        ("a.jsonl", lines([{"text": "a", "label": 1}, {"text": "b", "label": 0}]), NUMBERS),
        ("a.jsonl", lines([{"text": "a", "label": 1.0}, {"text": "b", "label": 0.0}]), NUMBERS),
        ("a.jsonl", lines([{"text": "a", "label": "1"}, {"text": "b", "label": "0.0"}]), NUMBERS),
        ("a.csv", "text,label\na,1.0\nb,0.0\n", NUMBERS),
        ("a.csv", "text,label\na,1.0\nb,0.0\n", {"1.0": "pos", "0.0": "neg"}),
        ("a.parquet", [{"text": "a", "label": 1.0}, {"text": "b", "label": 0.0}], NUMBERS),
        ("a.jsonl", lines([{"text": "a", "label": None}, {"text": "b", "label": 0}]),
         {"null": "pos", "0": "neg"}),
        ("a.csv", "text,label\na,\nb,0\n", {"": "pos", "0": "neg"}),
        ("a.jsonl", lines([{**row, "label": [row["label"]]} for row in TRUTHS]), NAMES),
        ("a.jsonl", lines([{"text": "a", "label": -1}, {"text": "b", "label": 0}]),
         {"-1": "pos", "0": "neg"}),
    ],
)  # fmt: skip
def test_labels_of_every_kind_are_named(
    tmp_path: Path, name: str, content: str | list[dict[str, Any]], labels: dict[str, str]
) -> None:
    """Truth values, numbers and nothing are read in every kind of file, and may be renamed."""
    content = content if isinstance(content, str) else parquet(content)
    assert pairs(read(tmp_path, name, content, TASK, labels=labels)) == [("a", "pos"), ("b", "neg")]
    own = Classification(tuple(sorted(labels)))
    if not {"null", ""} & labels.keys():
        found = read(tmp_path, name, content, own)
        assert [example.label for example in found] == list(labels)


@pytest.mark.parametrize("given", [-1, "-1", -1.0, None, "", float("nan")], ids=repr)
def test_what_means_that_there_is_no_label_is_explained(tmp_path: Path, given: Any) -> None:
    """-1, nothing and an empty cell are what test sets without labels have; `where` helps."""
    content = lines([{"text": "a", "label": "pos"}, {"text": "b", "label": given}])
    message = refused(tmp_path, "a.jsonl", content, TASK)
    assert message.startswith(", row 2, field 'label': ")
    assert "commonly means that a row is unlabelled" in message
    advice = 'where = { label = ["neg", "pos"] }'
    assert advice in message
    data = read(tmp_path, "a.jsonl", content, TASK, where={"label": ["neg", "pos"]})
    assert pairs(data) == [("a", "pos")]
    named = refused(tmp_path, "a.jsonl", content, TASK, labels={"pos": "pos", "neg": "neg"})
    assert 'where = { label = ["pos", "neg"] }' in named


def test_a_number_of_minus_one_is_an_answer(tmp_path: Path) -> None:
    """What is asked for a number may be answered by -1."""
    content = lines([{"text": "1 - 2?", "label": -1}])
    assert pairs(read(tmp_path, "a.jsonl", content, NumericAnswer())) == [("1 - 2?", "-1")]
    labels = Classification(("-1", "1"))
    assert pairs(read(tmp_path, "a.jsonl", content, labels)) == [("1 - 2?", "-1")]


def test_where_takes_values_in_any_form(tmp_path: Path) -> None:
    """`true` and `True`, 1 and 1.0, and what is not there, are the same in every kind of file."""
    rows = [{"text": f"t{n}", "label": "pos", "ok": n % 2 == 0, "n": n / 1.0} for n in range(4)]
    for name, content in (
        ("a.csv", table(rows).encode()), ("a.jsonl", lines(rows).encode()),
        ("a.parquet", parquet(rows)),
    ):  # fmt: skip
        for value in (True, "true", "True"):
            data = read(tmp_path, name, content, TASK, where={"ok": value})
            assert [example.inputs for example in data] == ["t0", "t2"]
        for number in (1, 1.0, "1", "1.0"):
            data = read(tmp_path, name, content, TASK, where={"n": [number, 3]})
            assert [example.inputs for example in data] == ["t1", "t3"]


# Columns of a suite.


def like(**table_: Any) -> DataSource:
    """Return the in-distribution data of a suite."""
    return parse_source({"data": "suite.csv", **table_}, "suite")


SUITE = {
    "fields": ["review"], "label": "category", "id": "key", "labels": {"1": "pos", "0": "neg"},
    "separator": ";", "encoding": "latin-1",
}  # fmt: skip


def loaded(folder: Path, value: Any, suite: dict[str, Any] = SUITE, task: Task = TASK) -> Dataset:
    """Load what stands beside a suite."""
    reader = Reader(root=folder, cache=folder, offline=True, progress=Silent())
    return reader.load(parse_source(value, "x", like(**suite)), "d", task)


def test_columns_of_the_suite_hold_for_other_data(tmp_path: Path) -> None:
    """A path alone, and a table that says nothing of them, have the columns of the suite."""
    (tmp_path / "train.csv").write_bytes("review;category;key\ncafé;1;k1\n".encode("latin-1"))
    for value in ("train.csv", {"data": "train.csv"}, {"data": "train.csv", "label": "category"}):
        (example,) = loaded(tmp_path, value)
        assert (example.id, example.inputs, example.label) == ("k1", "café", "pos")


def test_what_is_said_goes_before_the_suite(tmp_path: Path) -> None:
    """A key of the data's own table is what counts."""
    (tmp_path / "t.csv").write_text("body|category|id\ncafé|0|7\n")
    own = {"data": "t.csv", "fields": ["body"], "id": "id", "separator": "|", "encoding": "utf-8"}
    (example,) = loaded(tmp_path, own)
    assert (example.id, example.inputs, example.label) == ("7", "café", "neg")


def test_data_without_the_columns_of_the_suite_has_the_usual_ones(tmp_path: Path) -> None:
    """Other data that has text and label, and no ids, is read all the same."""
    (tmp_path / "t.jsonl").write_text(
        '{"text": "a", "label": "pos"}\n{"text": "a", "label": "0"}\n'
    )
    data = loaded(tmp_path, "t.jsonl")
    assert pairs(data) == [("a", "pos"), ("a", "neg")]
    (tmp_path / "t.csv").write_text("text;category\na;1\n")
    assert pairs(loaded(tmp_path, "t.csv")) == [("a", "pos")]


@pytest.mark.parametrize(
    "rows",
    [
        '{"review": "a", "category": 1, "key": "k"}\n{"review": "b", "category": 0, "key": "k"}\n',
        '{"review": "a", "category": 1, "key": "k"}\n{"review": "b", "category": 0, "key": " "}\n',
        '{"review": "a", "category": 1, "key": "k"}\n{"review": "b", "category": 0}\n',
        '{"review": "a", "category": 1, "key": null}\n{"review": "b", "category": 0, "key": 1}\n',
    ],
    ids=["repeated", "blank", "missing", "null"],
)
def test_a_column_without_ids_counts_only_where_it_is_named(rows: str, tmp_path: Path) -> None:
    """Other data whose column of the suite's name has no ids gets those of its content."""
    (tmp_path / "t.jsonl").write_text(rows)
    data = loaded(tmp_path, "t.jsonl")
    assert pairs(data) == [("a", "pos"), ("b", "neg")]
    assert [e.id for e in data] == [
        e.id for e in loaded(tmp_path, "t.jsonl", {k: v for k, v in SUITE.items() if k != "id"})
    ]
    with pytest.raises(DataError, match="id"):
        loaded(tmp_path, {"data": "t.jsonl", "id": "key"})


def test_what_is_missing_is_named_as_the_suite_names_it(tmp_path: Path) -> None:
    """Where neither column is there, the message has the suite's."""
    (tmp_path / "t.jsonl").write_text('{"review": "a", "stars": "1"}\n')
    with pytest.raises(DataError, match=r"row 1: unknown field 'category'\. Known: review, stars"):
        loaded(tmp_path, "t.jsonl")
    (tmp_path / "t.jsonl").write_text('{"review": "a", "category": "7"}\n')
    with pytest.raises(DataError, match=r"unknown label '7'\. Known: neg, pos"):
        loaded(tmp_path, "t.jsonl")


def test_templates_and_pairs_of_the_suite_hold(tmp_path: Path) -> None:
    """What fields are made of goes along with their names."""
    (tmp_path / "t.jsonl").write_text('{"a": "x", "b": "y", "label": "pos"}\n')
    made = {"fields": {"question": "{a} {b}", "more": "{b}"}}
    assert pairs(loaded(tmp_path, "t.jsonl", made)) == [({"question": "x y", "more": "y"}, "pos")]
    both = {"fields": ["a", "b"]}
    assert pairs(loaded(tmp_path, "t.jsonl", both)) == [({"a": "x", "b": "y"}, "pos")]
    assert pairs(loaded(tmp_path, {"data": "t.jsonl", "fields": ["b"]}, made)) == [("y", "pos")]


def test_headers_and_names_of_the_suite_go_with_tables_alone(tmp_path: Path) -> None:
    """The separator of a table is of no account for lines of JSON, a Parquet file and the hub."""
    (tmp_path / "t.parquet").write_bytes(parquet([{"review": "a", "category": 1}]))
    assert pairs(loaded(tmp_path, "t.parquet")) == [("a", "pos")]
    (tmp_path / "t.txt").write_text("a\tpos\n")
    suite = {"columns": ["review", "category"], "fields": ["review"], "label": "category"}
    assert pairs(loaded(tmp_path, "t.txt", suite)) == [("a", "pos")]
    (tmp_path / "t.jsonl").write_text('{"review": "a", "category": "pos"}\n')
    assert pairs(loaded(tmp_path, "t.jsonl", suite)) == [("a", "pos")]
    assert parse_source("hub:x", "x", like(**SUITE)).completed().separator is None


def test_a_redirection_keeps_the_columns_of_the_suite(tmp_path: Path) -> None:
    """What takes the place of a suite's data has its columns, and the form of its own file."""
    (tmp_path / "own.jsonl").write_text('{"review": "a", "category": 1, "key": "k"}\n')
    (tmp_path / "own.csv").write_text("review,category,key\na,1,k\n")
    for name in ("own.jsonl", "own.csv"):
        redirects = parse_redirects({"suite.csv": name}, "here")
        reader = Reader(
            root=tmp_path, cache=tmp_path, offline=True, progress=Silent(), redirects=redirects
        )
        suite = {key: value for key, value in SUITE.items() if key != "separator"}
        assert pairs(reader.load(like(**suite), "d", TASK)) == [("a", "pos")]
    table_ = {"suite.csv": {"data": "own.csv", "separator": ",", "encoding": "utf-8"}}
    reader = Reader(
        root=tmp_path,
        cache=tmp_path,
        offline=True,
        progress=Silent(),
        redirects=parse_redirects(table_, "x"),
    )
    assert pairs(reader.load(like(**SUITE), "d", TASK)) == [("a", "pos")]


# Whatever the file.

SUFFIXED = [*SUFFIXES, ".csv.gz", ".jsonl.gz", ".tsv.gz", ".json.gz"]


def outcome(path: Path, content: bytes, **layout: Any) -> list[Any] | OodError:
    """Return the rows of a file, or the error that it is."""
    path.write_bytes(content)
    try:
        return [*parse_rows(path, FileLayout(**layout))]
    except OodError as error:
        message = str(error)
        found = error
    assert message.startswith(str(path))
    assert len(message) < 5_000
    assert message.encode()
    return found


PIECES = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\t", b";", b"\0", b"{", b"}", b"[", b"]", b":", b"text", b"label",
     b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\xe9", b"1e999", b"NaN", b"null", b"true", b"\\u",
     b"\\ud83d", b"\x1f\x8b", b"PK\x03\x04", b"#", b" ", "\u2028".encode()]
)  # fmt: skip
CONTENT = st.binary(max_size=200) | st.lists(PIECES, max_size=40).map(b"".join)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXED)
@settings(max_examples=150)
@given(content=CONTENT, encoding=st.sampled_from([None, "utf-16", "latin-1", "gb18030", "utf-7"]))
def test_any_bytes_are_rows_or_an_error_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes, encoding: str | None
) -> None:
    """No file ends in a traceback, whatever is in it."""
    path = tmp_path_factory.mktemp("fuzz") / f"a{suffix}"
    layout = {} if suffix == ".parquet" else {"encoding": encoding}
    outcome(path, content, **layout)
    if suffix.endswith(".gz"):
        outcome(path, gzip.compress(content), **layout)
        outcome(path, gzip.compress(content)[:-3], **layout)


@settings(max_examples=100)
@given(data=st.data())
def test_any_damage_to_a_parquet_file_is_an_error_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A Parquet file with other bytes in it gives rows, or is refused."""
    whole = bytearray(parquet(ROWS))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(4, len(whole) - 5))] = data.draw(st.integers(0, 255))
    outcome(tmp_path_factory.mktemp("fuzz") / "a.parquet", bytes(whole))


@settings(max_examples=100)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0")),
            st.sampled_from(["pos", "neg"]),
        ),
        min_size=1,
        max_size=6,
    ),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from([None, "utf-16", "gb18030"]),
)
def test_any_text_survives_a_table(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    separator: str,
    end: str,
    encoding: str | None,
) -> None:
    """Whatever the module csv writes comes out as it is, row by row, at the line it begins in."""
    content = table([{"label": label, "text": text} for text, label in rows], separator, end)
    path = tmp_path_factory.mktemp("table") / "a.csv"
    found = outcome(path, content.encode(encoding or "utf-8"), encoding=encoding, needed=("text",))
    assert isinstance(found, list)
    assert [(row["text"], row["label"]) for _, row in found] == rows
    written = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert all(written[number - 1].startswith(row["label"]) for number, row in found)


HOSTILE: dict[str, Callable[[int], str]] = {
    "quotes": lambda n: '"' * n,
    "open quotes": lambda n: 'text,label\n"' + "a\n" * n,
    "pairs of quotes": lambda n: "text,label\n" + '"a"b' * n,
    "one long cell": lambda n: "text,label\n" + "x" * n + ",pos\n",
    "separators": lambda n: "," * n,
    "columns": lambda n: ",".join(f"c{i}" for i in range(n)) + "\n1\n",
    "equal columns": lambda n: "text," * n + "\n",
    "line ends": lambda n: "\n" * n,
    "carriage returns": lambda n: "\r" * n,
    "braces": lambda n: "{" * n,
    "brackets": lambda n: "[" * n,
    "digits": lambda n: "9" * n,
    "objects": lambda n: '{"a":' * n + "1" + "}" * n,
    "escapes": lambda n: '{"text": "' + "\\u00e9" * n + '"}',
    "a long label": lambda n: json.dumps({"text": "a", "label": "lab" * n, "labels" * n: 1}),
    "a long key": lambda n: json.dumps({"tex" * n: "a", "label": "pos"}),
    "keys": lambda n: json.dumps({f"key{i}": i for i in range(n)}),
    "points": lambda n: json.dumps({"text": "a", "." * n: 1}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json"])
def test_hostile_files_take_linear_time(tmp_path: Path, name: str, suffix: str) -> None:
    """A hundred thousand signs of any kind are read, or refused shortly, at once."""
    content = HOSTILE[name](100_000)
    source = DataSource(data=f"a{suffix}", where={"label": ("pos", "lab" * 50_000)})
    (tmp_path / source.data).write_text(content)
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    message = ""
    started = time.process_time()
    try:
        reader.load(source, "d", TASK)
    except OodError as error:
        message = str(error)
    assert time.process_time() - started < 5.0
    assert len(message) < 30_000


def test_messages_can_be_written(tmp_path: Path) -> None:
    """A name with a lone surrogate, as JSON may have it, stands in a message as an escape."""
    message = refused(tmp_path, "a.jsonl", '{"te\\ud83dxt": "a", "label": "\\ud83d"}')
    assert "Known: label, te\\ud83dxt." in message
    assert message.encode()
    message = refused(tmp_path, "a.jsonl", '{"text": "a", "label": "\\ud83d"}', TASK)
    assert message.encode()
    with pytest.raises(DataError) as caught:
        read(tmp_path, "a.jsonl", '{"text": "a", "label": "\\ud83d"}', where={"label": "a"})
    assert str(caught.value).encode()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_long_wrong_value_is_cut_in_messages(tmp_path: Path, suffix: str) -> None:
    """A message shows the beginning of what is wrong."""
    rows = [{"text": "a", "label": "l" * 100_000}]
    content = {".csv": table(rows).encode(), ".jsonl": lines(rows).encode()}
    message = refused(tmp_path, f"a{suffix}", content.get(suffix, parquet(rows)), TASK)
    assert "... (100,000 characters). Known: neg, pos." in message
    assert len(message) < 300


# What stands in JSON, and is not lost.


def test_a_repeated_key_is_located(tmp_path: Path) -> None:
    """A key that occurs twice in one row, or in what leads to the rows, is refused."""
    told = "an object has the key 'text' twice; delete or rename one"
    good, bad = '{"text": "a", "label": "pos"}', '{"text": "a", "text": "b", "label": "pos"}'
    assert refused(tmp_path, "a.jsonl", f"{good}\n\n{bad}\n") == f", line 3: {told}"
    assert refused(tmp_path, "a.json", f"[{good}, {bad}]") == f", row 2: {told}"
    inside = f'{{"d": {{"rows": [{good}, {good}, {{"x": [{bad}]}}]}}}}'
    assert refused(tmp_path, "a.json", inside, split="d/rows") == f", row 3: {told}"
    lists = f'{{"rows": [{good}], "rows": [{good}]}}'
    message = refused(tmp_path, "a.json", lists, split="rows")
    assert message.startswith(": an object has the key 'rows' twice")
    assert refused(tmp_path, "a.json", f"[{bad}, {{") == f": {told}"
    assert refused(tmp_path, "a.json", f"[{bad}, {'9' * 5000}]") == f", row 1: {told}"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_number_that_is_too_long_is_told_in_own_words(tmp_path: Path, name: str) -> None:
    """What Python says of it is about a setting of its own."""
    row = f'{{"text": {"9" * 5000}, "label": "pos"}}'
    message = refused(tmp_path, name, f"[{row}]" if name == "a.json" else row)
    assert "a whole number of 5,000 digits is longer than Python reads (4,300 digits)" in message
    assert "sys." not in message


# What to do next.

ROW = "a film,pos\n"
NEXT: list[tuple[str, str, dict[str, Any], str]] = [
    ("a.csv", "great film,pos\n" + ROW, {}, "no header, name its columns beside `data`: columns"),
    ("a.csv", "text,label\n" + ROW, {"columns": ["text", "label"]}, "line 1: the row has the name"),
    ("a.csv", " Text,LABEL\n" + ROW, {"columns": ["text", "label"]}, "leave `columns` out"),
    ("a.csv", "review,mood\n" + ROW, {"columns": ["text", "label"]}, "leave `columns` out"),
    ("a.csv", "text^label\na film^pos\n", {}, 'separator = "^"'),
    ("a.csv", "text#label\na film#pos\n", {}, 'separator = "#"'),
    ("a.csv", "review^mood\na film^pos\n", {}, 'separator = "^"'),
    ("a.csv", "a film^pos\n", {"columns": ["text", "label"]}, 'separator = "^"'),
    ("a.txt", ROW, {"columns": ["text", "label"]}, 'separator = ","'),
    ("a.txt", "a, film,pos\n", {"columns": ["text", "label"]}, 'separator = ","'),
    ("a.tsv", 'text\tlabel\n"a\nfilm"\tpos\n', {}, 'end in .csv beside separator = "\\t"'),
    ("a.tsv", 'label\ttext\npos\t"a\nfine\nfilm"\n', {}, 'end in .csv beside separator = "\\t"'),
    *(
        ("a.csv", f"text,label\na film,{label}\n", {}, f"labels = {{ {key} = {name}, ... }}")
        for label, key, name in (
            ("Pos", "Pos", '"pos"'), (" pos", '" pos"', '"pos"'), ("00", "00", '"..."'),
            ("neutral", "neutral", '"..."'), ("nan", "nan", '"..."'), ("N/A", '"N/A"', '"..."'),
            ("  ", '"  "', '"..."'), ("schön", '"schön"', '"..."'),
        )
    ),
    ("a.csv", "text,label\na,N/A\n", {}, 'where = { label = ["neg", "pos"] } leaves rows with'),
    ("a.jsonl", lines([{"text": {"en": "a"}, "label": "pos"}]), {}, 'fields = ["text.en"]'),
    ("a.jsonl", lines([{"text": "a", "label": {"name": "pos"}}]), {}, 'label = "label.name"'),
    ("a.jsonl", lines([{"text": None, "label": "pos"}]), {}, "frame.dropna(subset=['text'])"),
    ("a.jsonl", lines([{"text": ["a", "b"], "label": "pos"}]), {}, '" ".join(words)'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "source", "advice"), NEXT)
def test_messages_say_what_to_do(
    tmp_path: Path, name: str, content: str, source: dict[str, Any], advice: str
) -> None:
    """What a file that is written otherwise needs stands in the message."""
    message = refused(tmp_path, name, content, TASK, **source)
    assert advice in message
    assert len(message) < 600


def test_what_is_advised_helps(tmp_path: Path) -> None:
    """Whoever does what a message says has the rows."""
    assert len(read(tmp_path, "a.csv", "text^label\na^pos\n", TASK, separator="^")) == 1
    quoted = 'text\tlabel\n"a\nfilm"\tpos\n'
    assert pairs(read(tmp_path, "a.csv", quoted, TASK, separator="\t")) == [("a\nfilm", "pos")]
    labels = {"Pos": "pos", "N/A": "neg"}
    content = "text,label\na,Pos\nb,N/A\n"
    found = read(tmp_path, "a.csv", content, TASK, labels=labels)
    assert pairs(found) == [("a", "pos"), ("b", "neg")]
    nested = lines([{"text": {"en": "a"}, "label": "pos"}])
    assert pairs(read(tmp_path, "a.jsonl", nested, TASK, fields=["text.en"])) == [("a", "pos")]


def test_bytes_are_no_text(tmp_path: Path) -> None:
    """A Parquet file may have them."""
    message = refused(tmp_path, "a.parquet", parquet([{"text": b"a", "label": "pos"}]), TASK)
    assert message.endswith("; decode it when the file is written: text.decode('utf-8')")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|", "^"])
def test_the_first_line_of_excel_says_the_separator(
    tmp_path: Path, end: str, separator: str
) -> None:
    """`sep=;` is no row and no header."""
    for before in ("", "\ufeff", end):
        rows = table(ROWS, separator, end)
        content = f"{before}sep={separator}{end}{rows}"
        assert pairs(read(tmp_path, "a.csv", content, TASK)) == PAIRS
        bare = f"{before}SEP={separator}{end}" + rows.partition(end)[2]
        columns = {"columns": ["text", "label"]}
        assert pairs(read(tmp_path, "a.csv", bare, TASK, **columns)) == PAIRS
    short = f"sep=;{end}text;label{end}a{end}"
    assert refused(tmp_path, "a.csv", short).startswith(", line 3: the row has fewer columns")
    assert pairs(read(tmp_path, "a.csv", f"sep=;{end}{table(ROWS, '|')}", TASK, separator="|"))
    assert pairs(read(tmp_path, "b.csv", "sep=,label\na,pos\n", TASK, fields=["sep="]))


# Real files.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "source", "count"),
    [
        ("banking77/test.csv", {"label": "category"}, 3_080),
        ("clinc150/data_small.json", None, 0),
        ("xquad/xquad.en.json", None, 0),
        ("sst2/test.tsv", {"fields": ["sentence"]}, 872),
        ("nq-open/NQ-open.dev.jsonl", {"fields": ["question"], "label": "answer"}, 3_610),
        ("svamp/SVAMP.json", {"fields": ["Question"], "label": "Answer"}, 1_000),
        ("promptbench/adv_prompts.csv", {"fields": ["attacked_prompt"], "label": "attack"}, 3_438),
        ("xed/en-annotated.tsv", {"columns": ["text", "label"]}, 17_528),
    ],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
def test_published_files_are_read(
    tmp_path: Path, path: str, source: dict[str, Any] | None, count: int, *, compressed: bool
) -> None:
    """Data sets as they are published are read as they lie, or say what to do."""
    original = SHARED / path
    if not original.exists():
        pytest.skip(f"needs {original}, which is not a part of the project")
    name = original.name + ".gz" * compressed
    content = original.read_bytes()
    content = gzip.compress(content, 1) if compressed else content
    if source is None:
        assert refused(tmp_path, name, content)
    else:
        assert len(read(tmp_path, name, content, None, **source)) == count


def test_suffixes_are_those_of_the_file_inside() -> None:
    """Capitals and `.gz` are of no account."""
    names = ("a.CSV", "a.csv.GZ", "a.b.jsonl", "a", "a.gz", ".csv", "x/a.tsv.gz")
    assert [*map(suffix_of, names)] == [".csv", ".csv", ".jsonl", "", "", "", ".tsv"]
