from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pytest_ood.analysis.serialization import from_json
from pytest_ood.reports import checks, wording
from pytest_ood.reports.escaping import INVISIBLE
from pytest_ood.reports.formats import md
from pytest_ood.reports.formats.md import COMMENT_LIMIT, ICONS, NOTICE, code, prose

Report = dict[str, Any]


def render(report: Report, limit: int = COMMENT_LIMIT) -> str:
    """Render the plain values of a report."""
    return md.render(from_json(report), limit)


HOSTILE = (
    "<script>alert(1)</script>",
    "</details><details open>",
    "@octocat #1 GH-1 owner/repo#1 2b20dd0f1c2a",
    "https://example.org www.example.org someone@example.org",
    "`` ` ``` a | b \\| c",
    "[x](javascript:alert(1)) ![x](https://example.org/x.png) [x]: https://example.org",
    "*a* _b_ ~~c~~ $d$ :tada: <!-- e --> &lt; \\* # f",
    "\x1b[31mred\n\n# heading\n- item\u202e\u2028",
)
HTML = ("<details>", "</details>", "<summary>", "</summary>")


def tokens(text: str) -> Iterator[Token]:
    """Yield what Markdown sees in a text, all levels."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def kinds(text: str) -> set[str]:
    """Return the kinds of things Markdown sees."""
    return {token.type for token in tokens(text)}


def test_the_verdict_comes_first(full_report: Report) -> None:
    """The first line is the verdict, the second what it is made of."""
    text = render(full_report, COMMENT_LIMIT)
    first, _, second, *_ = text.splitlines()
    assert first == f"## {ICONS['fail']} Robustness: FAIL"
    assert second == checks.headline(from_json(full_report)).sentence


def test_what_did_not_pass_is_said_with_its_command(full_report: Report) -> None:
    """Every check that is not passed has its figure, budget, reason and command."""
    text = render(full_report, COMMENT_LIMIT)
    for line in checks.select_worst(
        checks.check_rows(from_json(full_report)), ("fail", "inconclusive")
    ):
        shown = f"**{line.value}** {line.interval}, budget {line.budget}: {line.reason}"
        assert shown in text
        assert f"again: `{line.rerun}`" in text


def test_every_figure_stands_in_a_table(full_report: Report) -> None:
    """Scores, drops, differences and changes have a cell each, with the sign of their verdict."""
    text = render(full_report, COMMENT_LIMIT)
    for line in checks.check_rows(from_json(full_report)):
        assert f"| {line.value} {line.interval} {ICONS[line.verdict]} |" in text
    assert kinds(text) >= {"table_open", "heading_open", "bullet_list_open", "code_inline"}


def test_the_details_are_folded(full_report: Report) -> None:
    """Inconclusive checks, curves, labels and examples are folded, and shown as Markdown."""
    text = render(full_report, COMMENT_LIMIT)
    for part in ("score at severity 0: ", "Of each label", "About this run", "{+"):
        assert part in text
    html = "".join(token.content for token in tokens(text) if token.type == "html_block")
    assert set(re.findall(r"<[^>]*>", html)) == set(HTML)
    assert html.count("<details>") == html.count("</details>") == text.count("<summary>")


def test_a_pass_is_short(full_report: Report) -> None:
    """Where everything passed, nothing is listed as not passed."""
    report = copy.deepcopy(full_report)
    for key in ("in_distribution", "evaluations", "comparisons"):
        for row in report[key]:
            row["verdict"] = "pass"
    report["release"] = None
    text = render(report, COMMENT_LIMIT)
    assert text.startswith(f"## {ICONS['pass']} Robustness: PASS")
    assert "What did not pass" not in text
    assert "again: " not in text


def test_a_run_of_errors_alone_is_shown(short_report: Report) -> None:
    """Where nothing could be measured, the errors are."""
    report = {**short_report, "release": None}
    for key in ("models", "in_distribution", "scores", "evaluations", "comparisons",
                "severity_curves", "paradigm_comparisons"):  # fmt: skip
        report[key] = []
    text = render(report, COMMENT_LIMIT)
    assert "Robustness: ERROR" in text
    assert "not carried out: `reviews/noise/ocr[frail]`: `ModelError: no`" in text


# What does not fit


@pytest.mark.slow
@settings(max_examples=30)
@given(limit=st.integers(0, 60_000))
def test_it_fits_and_says_what_was_left_out(limit: int, full_report: Report) -> None:
    """It is never longer than the limit, is never half a table, and counts what it lacks."""
    whole = render(full_report, 1_000_000)
    assert "Left out for its length" not in whole
    text = render(full_report, limit)
    assert len(text.encode()) <= limit
    assert text.count("<details>") == text.count("</details>")
    if not text:
        assert limit < 2 * NOTICE
    elif len(text) < len(whole):
        (told,) = re.findall(r"Left out for its length: (.*)\.\n$", text)
        left = sum(int(count) for count in re.findall(r"(\d+) of \d+ ", told))
        lines = [line for line in whole.splitlines() if line.startswith(("- ", "| `"))]
        kept = [line for line in text.splitlines() if line.startswith(("- ", "| `"))]
        assert left >= len(lines) - len(kept) > 0
    else:
        assert text == whole


def test_the_least_important_goes_first(full_report: Report) -> None:
    """The verdict and what failed stay where examples and details have to go."""
    text = render(full_report, 6_000)
    assert "What did not pass" in text
    assert "flipped examples of checks that did not pass" in text.splitlines()[-1]


# Hostile text


@pytest.mark.slow
@settings(max_examples=100)
@given(text=st.one_of(st.text(), st.sampled_from(HOSTILE)))
@example(text="".join(HOSTILE))
@example(text="|")
@example(text="\\")
@example(text="a|b\\|c`|`")
def test_foreign_text_is_only_text(text: str, spoil: Callable[[str], Report]) -> None:
    """No text in any field makes markup, HTML, a link, a mention or another cell."""
    usual, found = render(spoil("x"), 10**6), render(spoil(text), 10**6)
    assert kinds(found) <= kinds(usual) | {"softbreak"}
    for token in tokens(found):
        if token.type == "html_block":
            assert set(re.findall(r"<[^>]*>", token.content)) <= set(HTML)
        if token.type == "text":
            assert not re.search(r"@|#|://|www\.|\b[0-9a-f]{7,}\b", token.content), token.content
    for table in re.findall(r"(?:^\|.*\n)+", found, re.MULTILINE):
        assert len({row.count("|") for row in table.splitlines()}) == 1
    odd = {c for c in found if unicodedata.category(c) in INVISIBLE}
    assert odd <= {"\n"}


@given(text=st.text(min_size=1))
def test_a_code_span_holds_its_text(text: str) -> None:
    """Whatever a text is, it is one code span, and can be read."""
    (paragraph,) = (t for t in tokens(f"a {code(text, 10**6)} b") if t.type == "inline")
    (span,) = (t for t in paragraph.children or () if t.type == "code_inline")
    assert [t.type for t in paragraph.children or ()] == ["text", "code_inline", "text"]
    if text.isascii() and text.isprintable():
        assert span.content.strip() == text.strip()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("above 17.4 with confidence 95%", "above 17.4 with confidence 95%"),
        ("76.5 % [64.7, 85.8] of 51", "76.5 % [64.7, 85.8] of 51"),
        ("see @octocat", "`see @octocat`"),
        ("[1.0, 2.0](x)", "`[1.0, 2.0](x)`"),
        ("as of 2b20dd0f1c2a", "`as of 2b20dd0f1c2a`"),
        ("at www.example.org", "`at www.example.org`"),
        ("a_b", "`a_b`"),
    ],
)
def test_a_clause_is_plain_where_it_may_be(text: str, shown: str) -> None:
    """What GitHub would make something of stands in a code span."""
    assert prose(text) == shown


def test_groups_and_floors_under_shifts_are_tables(short_report: Report) -> None:
    """The score by itself, and folded the score of each group with its n."""
    text = render(short_report, COMMENT_LIMIT)
    assert "Score under the shift by itself, in points" in text
    assert "| `Negation`: `not <good> \\x7c bad` | 9 | 50.0 [30.0, 70.0] |" in text
    assert re.search(r"left out: no label: (`\w+` )?3", text)


def test_scores_alone_have_the_name_of_their_suite(short_report: Report) -> None:
    """Where no drop was measured, the table of the scores is the first one of the suite."""
    (suite,) = from_json(short_report).suites
    alone = {"evaluations": [], "in_distribution": [], "comparisons": [], "release": None}
    text = render({**short_report, **alone}, COMMENT_LIMIT)
    assert f"### Suite {code(suite)}\n\nScore under the shift by itself" in text


def test_answers_of_several_suites_are_told_apart(full_report: Report) -> None:
    """Each has the name of its suite before it; that of the only one has none."""
    (suite,) = from_json(full_report).suites
    text = render(full_report, COMMENT_LIMIT)
    sentence = wording.paradigm_sentence(from_json(full_report), suite, code)
    assert f"\n{sentence}\n" in text
    both = {
        key: [*full_report[key], *({**row, "suite": "other"} for row in full_report[key])]
        for key in (
            "models",
            "in_distribution",
            "evaluations",
            "comparisons",
            "paradigm_comparisons",
        )
    }
    text = render({**full_report, **both}, 10 * COMMENT_LIMIT)
    for name in (suite, "other"):
        assert f"\n{code(name)}: {sentence}\n" in text
