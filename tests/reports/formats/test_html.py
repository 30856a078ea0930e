from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ood.analysis.serialization import from_json
from pytest_ood.budgets import points
from pytest_ood.reports import checks, wording
from pytest_ood.reports.escaping import INVISIBLE
from pytest_ood.reports.formats import html
from pytest_ood.reports.formats.html import FLIPS_SHOWN, TEMPLATES

Report = dict[str, Any]


def render(report: Report) -> str:
    """Render the plain values of a report."""
    return html.render(from_json(report))


HOSTILE = (
    "<script>window.hacked = 1</script>",
    "\"'><img src=x onerror=window.hacked=1>",
    "</style></script></title></textarea><svg onload=window.hacked=1>",
    "{{ 7 * 7 }}{% raw %}&lt;&#60;",
    "javascript:window.hacked=1",
    "\x1b[31mred\x1b[0m\x07\r\n\u202egnihtemos\u2066\u2028\u200b\ufeff\x00\ud800",
)


class Elements(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[tuple[str, tuple[str, ...]]] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, its attributes, and where it leads to."""
        self.tags.add((tag, tuple(sorted(name for name, _ in attrs))))
        found = dict(attrs)
        self.links += [found[name] or "" for name in ("href", "src") if name in found]
        self.ids += [found["id"] or ""] if "id" in found else []

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text.append(data)


def words(page: str) -> str:
    """Return the text of a page with single spaces."""
    return " ".join(" ".join(Elements(page).text).split())


def test_the_page_stands_alone(full_report: Report) -> None:
    """No script, style, font or picture comes from elsewhere, and the policy allows none."""
    page = render(full_report)
    assert all(link.startswith("#") for link in Elements(page).links)
    assert "url(" not in page
    assert "@import" not in page
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src &#39;none&#39;; style-src &#39;sha256-")
    assert "unsafe" not in policy


def test_every_link_leads_somewhere(full_report: Report) -> None:
    """What the page refers to is on it, once."""
    found = Elements(render(full_report))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_the_verdict_comes_first(full_report: Report) -> None:
    """The first heading is the verdict, and the title begins with it."""
    page = render(full_report)
    top = checks.headline(from_json(full_report))
    assert top.verdict == "fail"
    (first, *_) = re.findall(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert words(first) == "✗ FAIL"
    assert "<title>FAIL: robustness report</title>" in page
    assert page.index("<h1>") < page.index(top.sentence) < page.index("<h2")


def test_every_figure_stands_on_the_page(full_report: Report) -> None:
    """Each check's figure, interval, budget, verdict and reason can be read as text."""
    text = words(render(full_report))
    for line in checks.check_rows(from_json(full_report)):
        shown = f"{line.value} {line.interval}"
        assert shown in text
        if line.verdict in ("fail", "inconclusive"):
            assert f"{shown} , budget {line.budget}: {line.reason}" in text
            assert line.rerun in text
    for curve in full_report["severity_curves"]:
        assert points(curve["area"]) in text


def test_every_section_is_there(full_report: Report) -> None:
    """Scatter, drops, differences, curves, labels, flips, the release and the run have a place."""
    text = words(render(full_report))
    for title in (
        "What did not pass", "Accuracy under shift against in distribution", "Drop per shift",
        "Drop beyond that of sturdy", "Since first.json", "Accuracy over severity", "Per label",
        "Flipped examples", "About this run", "y = x", "budget 10.0",
    ):  # fmt: skip
        assert title in text, title


def test_the_answer_is_the_one_of_the_terminal(full_report: Report) -> None:
    """Who drops less is said in the terminal's words."""
    answer = wording.paradigm_sentence(from_json(full_report), "reviews")
    assert answer.startswith("Under domain shift frail (prompted) drops ")
    assert answer in words(render(full_report))


def test_what_is_not_there_is_left_out(full_report: Report) -> None:
    """Without a release, curves, labels, comparisons or flips there are no such sections."""
    report = copy.deepcopy(full_report)
    report["release"] = None
    report["severity_curves"] = report["comparisons"] = report["paradigm_comparisons"] = []
    for e in report["evaluations"]:
        e.update(flips=[], per_label=[])
    text = words(render(report))
    for title in ("Since ", "Accuracy over severity", "Per label", "Drop beyond", "Show all"):
        assert title not in text, title
    assert "No flipped example is in this report." in text


def test_parts_of_a_suite_alone_are_shown(full_report: Report) -> None:
    """Noise alone, a label or a severity that one model lacks: what is there is shown."""
    report = copy.deepcopy(full_report)
    report["in_distribution"] = []
    report["evaluations"][0]["per_label"] = [
        {
            "label": "other",
            "n_in_distribution": 1,
            "correct_in_distribution": 1,
            "n_under_shift": 1,
            "correct_under_shift": 0,
        }
    ]
    for curve in report["severity_curves"][:1]:
        curve["accuracies"] = curve["accuracies"][:1]
    page = words(render(report))
    assert "not measured" in page
    assert "other" in page


def test_a_run_of_errors_alone_is_shown(full_report: Report) -> None:
    """Where nothing could be measured, the verdict is an error and its message stands there."""
    report = copy.deepcopy(full_report)
    report["release"] = None
    for key in ("models", "in_distribution", "evaluations", "comparisons", "severity_curves",
                "paradigm_comparisons"):  # fmt: skip
        report[key] = []
    report["errors"] = [{"check": "reviews/noise/ocr[frail]", "message": "ModelError: no server"}]
    text = words(render(report))
    assert "ERROR Of one check: 1 not carried out." in text
    assert "ModelError: no server" in text
    report["errors"] = []
    assert "Nothing was measured." in words(render(report))


def test_labels_are_shown_with_their_counts(short_report: Report) -> None:
    """Recall before and after, the change, how many of each, and a mark beyond the budget."""
    assert "90.0 → 40.0 ▾ -50.0 n 10, 10" in words(render(short_report))
    none = copy.deepcopy(short_report)
    for e in none["evaluations"]:
        e["per_label"] = [
            {
                "label": "rare",
                "n_in_distribution": 0,
                "correct_in_distribution": 0,
                "n_under_shift": 2,
                "correct_under_shift": 1,
            }
        ]
    assert "none → 50.0 n 0, 2" in words(render(none))


def test_several_suites_have_a_part_each(full_report: Report) -> None:
    """Suites are told apart in sections, checks and filters."""
    report = copy.deepcopy(full_report)
    for key in ("models", "in_distribution", "evaluations", "comparisons", "paradigm_comparisons"):
        report[key] += [{**one, "suite": "topics"} for one in copy.deepcopy(report[key])]
    page = render(report)
    assert page.count('<section class="suite"') == 2
    assert '<select name="suite">' in page
    assert "topics · noise / keyboard@" in words(page)
    assert '<select name="suite">' not in render(full_report)


@pytest.mark.slow
def test_a_thousand_evaluations_stay_readable(full_report: Report) -> None:
    """Flipped examples are limited, honestly; the page of 1,200 evaluations is below 4 MB."""
    report = copy.deepcopy(full_report)
    report["evaluations"] = [
        {**e, "shift": f"{e['shift']}-{number}"}
        for number in range(1_200 // len(report["evaluations"]) + 1)
        for e in report["evaluations"]
    ]
    page = render(report)
    assert len(report["evaluations"]) >= 1_200
    assert page.count('<article class="flip"') <= FLIPS_SHOWN
    flipped = sum(e["flipped"] for e in report["evaluations"] if e["flips"])
    assert f"{flipped:,} there were, " in page
    assert len(page.encode()) < 4_000_000


def test_many_models_look_different(short_report: Report) -> None:
    """The seventh model has a colour that was there, and another shape."""
    report = copy.deepcopy(short_report)
    for number in range(10):
        for key in ("models", "in_distribution"):
            report[key].append({**report[key][0], "name": f"m{number}", "model": f"m{number}"})
    for model in report["models"]:
        model.pop("model", None)
    page = render(report)
    keys = re.findall(r'<svg class="key".*?</svg></svg>\s*([\w-]+)', page, re.DOTALL)
    marks = re.findall(r'<svg class="key" aria-hidden="true">(.*?</svg>)', page, re.DOTALL)
    looks = dict(zip(keys, marks, strict=False))
    assert len(set(looks.values())) == len(report["models"])


@pytest.mark.slow
def test_a_long_text_is_cut(short_report: Report) -> None:
    """A text of a hundred thousand words and as many edits takes a few kilobytes."""
    report = copy.deepcopy(short_report)
    before = len(render(report))
    for e in report["evaluations"]:
        for flip in e["flips"]:
            flip.update(before="good film " * 50_000, after="goood film " * 50_000)
    assert len(render(report)) - before < 20_000 * len(report["evaluations"])


# Hostile text


@pytest.fixture(scope="session")
def allowed(spoil: Callable[[str], Report]) -> set[tuple[str, tuple[str, ...]]]:
    """Return the elements and attributes of a page of harmless texts."""
    return Elements(render(spoil(" of ours"))).tags


@pytest.mark.slow
@settings(max_examples=20)
@given(text=st.one_of(st.text(), st.sampled_from(HOSTILE)))
@example(text="".join(HOSTILE))
def test_foreign_text_is_only_text(
    text: str, allowed: set[tuple[str, tuple[str, ...]]], spoil: Callable[[str], Report]
) -> None:
    """No text in any field makes an element or an attribute, or leaves a control character."""
    page = render(spoil(text))
    found = Elements(page)
    assert found.tags <= allowed
    assert all(link.startswith("#") for link in found.links)
    assert page.count("<script>") == page.count("</script>") == 1
    odd = {c for c in page if unicodedata.category(c) in INVISIBLE}
    assert odd <= {"\n"}
    page.encode()


def test_hostile_text_can_be_read(spoil: Callable[[str], Report]) -> None:
    """What does nothing is still shown, control characters as escapes."""
    text = words(render(spoil("".join(HOSTILE))))
    assert "<script>window.hacked = 1</script>" in text
    assert "\\x1b[31mred\\x1b[0m\\x07\\r\\n\\u202egnihtemos\\u2066\\u2028\\u200b\\ufeff" in text


# Colours


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    digits = colour * 2 if len(colour) == 3 else colour
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out(scheme: int) -> None:
    """Every colour of text has a contrast of 4.5 on what it stands on, every mark one of 3."""
    style = (TEMPLATES / "page.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w+);", blocks[scheme]))
    assert len(blocks) == 2
    # The verdicts of models stand in the banner, whatever its own is.
    grounds = ("paper", "panel", "pass-back", "fail-back", "open-back", "bad-back")
    for name in ("ink", "faint", "link", "pass", "fail", "open", "bad"):
        for ground in grounds:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for number in range(6):
        for ground in ("paper", "corridor"):
            assert contrast(colours[f"m{number}"], colours[ground]) >= 3.0, (number, ground)


def test_groups_and_floors_under_shifts_have_their_tables(short_report: Report) -> None:
    """The score by itself with its floor, and a bar for each group and model."""
    page = render(short_report)
    text = words(page)
    assert "Score under the shift By itself, in points" in text
    assert re.search(r"By group under domain / \w+ The score of each group", text)
    assert "not <good> | bad 9" in text
    assert page.count('<svg class="bar ') == 2
    assert re.search(r"left out: no label: (\w+ )?3", text)


def test_what_was_left_unsaid_of_cases_is_told_once(short_report: Report) -> None:
    """Their score and their drop, which is not shown, have the same abstentions."""
    report = copy.deepcopy(short_report)
    row = next(e for e in report["evaluations"] if e["details"] and e["details"]["type"] == "cases")
    row |= {"budget": None, "abstained": 7, "n": 31}
    same = {key: row[key] for key in ("suite", "kind", "shift", "model", "abstained", "n")}
    report["scores"][0] |= same
    assert words(render(report)).count("abstained: 7 of 31") == 1
