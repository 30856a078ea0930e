"""Text that would do harm where it is shown: in the data, in answers, in what a server says."""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from pytest_ood.reports.escaping import INVISIBLE

HOSTILE = (
    "<script>window.hacked=1</script> @octocat ]]> \x1b[31mred\x1b[0m\x07\r\n## no\u202egnihtemos"
    "\u2066\u2028 | `a`"
)


def control(text: str) -> set[str]:
    """Return the control and format characters of a text, but for the ends of lines."""
    return {c for c in text if unicodedata.category(c) in INVISIBLE} - {"\n"}


@pytest.fixture
def hostile(project: pytest.Pytester) -> pytest.Pytester:
    """Put hostile text into every example, its id and a label, and into a model's complaint."""
    for name in ("reviews", "lamps"):
        path = project.path / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            row["id"] += HOSTILE
            row["text"] = f"{row['text']} {HOSTILE}"
            row["label"] = row["label"].replace("positive", f"positive{HOSTILE}")
        path.write_text("\n".join(map(json.dumps, rows)))
    label = json.dumps(f"positive{HOSTILE}")
    for name in ("reviews.toml", "pyproject.toml"):
        path = project.path / name
        text = path.read_text().replace('"negative", "positive"', f'"negative", {label}')
        path.write_text(text.replace("positive =", f"{label} ="))
    project.makeconftest(
        f"""
        import pytest
        from pytest_ood.errors import ModelError
        from pytest_ood.tasks import Prediction

        class Rude:
            name, paradigm, source, parameters = "rude", "other", "a server", {{}}
            fingerprint = "rude"
            def predict(self, inputs):
                raise ModelError({HOSTILE!r})

        class Silent(Rude):
            name = fingerprint = "silent"
            def predict(self, inputs):
                error = Prediction(None, error={HOSTILE!r})
                return [Prediction("negative") if n % 3 else error for n, _ in enumerate(inputs)]

        def pytest_ood_models(suite, labels):
            return [Rude(), Silent()]
        """
    )
    return project


def test_hostile_text_does_nothing_anywhere(hostile: pytest.Pytester) -> None:
    """In the terminal, JUnit, HTML and Markdown it is text, with control characters as escapes."""
    result = hostile.runpytest_inprocess(
        "--ood-suite", "--ood-strict", "-rA", "--junitxml=junit.xml", "--ood-report=report.html",
        "--ood-report=report.md", "--ood-report=report.json", "--color=no",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] > 0
    shown = result.stdout.str()
    assert "\\x1b[31mred" in shown
    assert control(shown) == set()

    written = hostile.path.joinpath("junit.xml").read_text("utf-8")
    assert control(written) == set()
    cases = list(ET.fromstring(written).iter("testcase"))  # noqa: S314 - written a moment ago
    assert len(cases) > 10
    assert not list(ET.fromstring(written).iter("script"))  # noqa: S314

    page = hostile.path.joinpath("report.html").read_text("utf-8")
    assert control(page) == set()
    assert scripts(page) == 1
    markdown = hostile.path.joinpath("report.md").read_text("utf-8")
    assert control(markdown) == set()
    assert "\\x1b[31mred" in page
    assert "\\x1b[31mred" in markdown


def scripts(page: str) -> int:
    """Count the scripts of a page."""
    found: list[str] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            del attrs
            found.append(tag)

    Parser().feed(page)
    return found.count("script")
