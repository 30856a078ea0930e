from __future__ import annotations

import gzip
import json

import pytest

ROWS = [
    ("A fine film, number {}.", "1"), ("A dull film, number {}.", "0"),
    ("A fine play, number {}.", "1"), ("A dull play, number {}.", "0"),
]  # fmt: skip
SUITE = """
labels = ["negative", "positive"]

[in_distribution]
data = "reviews.csv.gz"
fields = ["review"]
label = "category"
labels = { 0 = "negative", 1 = "positive" }
encoding = "latin-1"

[shifts.noise.upper-case]

[budgets]
noise = { max_drop = 0.50 }
"""
CONFIGURATION = """
[tool.pytest_ood]
suites = ["reviews.toml"]

[tool.pytest_ood.models.tfidf]
sklearn = "table_models:pipeline"
train = "train.csv.gz"
"""
PIPELINE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

def pipeline():
    return make_pipeline(TfidfVectorizer(), LogisticRegression())
"""
OWN_TEST = """
def model(texts):
    return ["1" if "fine" in text.lower() else "0" for text in texts]

def test_case(ood):
    data = [("A fine film.", 1) if n % 2 else ("", 0) for n in range(100)]
    ood.assert_drop(model, data, "upper-case", max_drop=0.30)
"""


@pytest.fixture
def renamed(pytester: pytest.Pytester, user_cache: object) -> pytest.Pytester:
    """Make a project whose data are compressed tables of a spreadsheet, with columns of its own."""
    del user_cache
    for name, start in (("reviews", 0), ("train", 1_000)):
        rows = "".join(
            f"{text.format(n)} caf\u00e9;{label}\n"
            for n in range(start, start + 40)
            for text, label in ROWS
        )
        content = ("review;category\n" + rows).encode("latin-1")
        pytester.path.joinpath(f"{name}.csv.gz").write_bytes(gzip.compress(content))
    pytester.path.joinpath("reviews.toml").write_text(SUITE)
    pytester.path.joinpath("pyproject.toml").write_text(CONFIGURATION)
    pytester.path.joinpath("table_models.py").write_text(PIPELINE)
    return pytester


def test_a_suite_over_a_compressed_table(renamed: pytest.Pytester) -> None:
    """Semicolons, an encoding and columns of the suite's go for data and for training data."""
    result = renamed.runpytest_inprocess("--ood-suite", "--ood-report=report.json")
    result.assert_outcomes(passed=2)
    report = json.loads(renamed.path.joinpath("report.json").read_text())
    assert report["notes"] == []


def test_notes_on_data_stand_in_output_and_report(renamed: pytest.Pytester) -> None:
    """Empty texts, equal rows and contradictions are counted where figures are shown."""
    path = renamed.path / "reviews.csv.gz"
    more = 'twice;1\ntwice;1\n"";0\n" ";1\ntorn;0\ntorn;1\n'
    path.write_bytes(path.read_bytes() + gzip.compress(more.encode("latin-1")))
    result = renamed.runpytest_inprocess("--ood-suite", "--ood-report=report.json")
    report = json.loads(renamed.path.joinpath("report.json").read_text())
    kinds = ["2 of 166 texts are empty", "1 of 166 rows are equal", "2 of 166 rows have a text"]
    assert len(report["notes"]) == len(kinds)
    for kind, note in zip(kinds, report["notes"], strict=True):
        assert note.startswith(f"reviews/in-distribution: {kind}")
        result.stdout.fnmatch_lines([f"note: reviews/in-distribution: {kind}*"])


def test_notes_on_the_data_of_own_tests(renamed: pytest.Pytester) -> None:
    """The fixture's notes stand in the output, and among a run's notes where suites run, too."""
    renamed.makepyfile(test_own=OWN_TEST)
    alone = renamed.runpytest_inprocess("--ood-suite", "-k", "test_own")
    alone.stdout.fnmatch_lines(["*note: data/in-distribution: 50 of 100 texts are empty*"])
    alone.stdout.fnmatch_lines(["*note: data/in-distribution: 98 of 100 rows are equal*"])
    renamed.runpytest_inprocess("--ood-suite", "--ood-report=report.json")
    report = json.loads(renamed.path.joinpath("report.json").read_text())
    assert [note.partition(" texts")[0] for note in report["notes"]][:1] == [
        "data/in-distribution: 50 of 100"
    ]


def test_what_is_wrong_in_a_file_is_one_line(renamed: pytest.Pytester) -> None:
    """A file that cannot be read fails its checks with the file, the line and what to do."""
    path = renamed.path / "reviews.csv.gz"
    path.write_bytes(gzip.compress(b'review;category\n"open;1\n'))
    result = renamed.runpytest_inprocess("--ood-suite")
    result.stdout.fnmatch_lines(["*reviews.csv.gz, line 2: the quote that opens here is never*"])
    assert "Traceback" not in result.stdout.str()
    path.write_bytes(path.read_bytes()[:-4])
    result = renamed.runpytest_inprocess("--ood-suite")
    result.stdout.fnmatch_lines(["*reviews.csv.gz: the compressed file ends too early*"])
