"""The page of a study in a browser: its plots are seen, and no name hides another."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.analysis.merge import merge_reports
from pytest_ood.analysis.serialization import from_json
from pytest_ood.analysis.studies import build_study
from pytest_ood.reports import study_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NAMES = """() => [...document.querySelectorAll(".area")].map((plot) =>
    [...plot.querySelectorAll(".name")].map((name) => {
        const { left, top, right, bottom } = name.getBoundingClientRect();
        return [name.textContent, left, top, right, bottom];
    }))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium, once."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra dev")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)}")
    with api.sync_playwright() as playwright:
        # Chromium's sandbox does not work for root, which tests in containers are.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(make_report: Any, study_models: Any, tmp_path_factory: Any) -> Path:
    """Write the page of the nine models."""
    merged = merge_reports(
        [("runs.json", from_json(make_report(study_models)))], newest_counts=False
    )
    path: Path = tmp_path_factory.mktemp("study") / "study.html"
    path.write_text(study_html.render(build_study(merged, ["runs.json"])), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (800, "light"), (1280, "light")])
def test_names_are_apart_and_plots_are_seen(
    width: int, scheme: Any, browser: Browser, page_file: Path
) -> None:
    """At any width nothing is scrolled sideways, plots have a size, and names do not overlap."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plots = page.evaluate(NAMES)
    assert len(plots) == 2 + 3 + 3
    assert [name for name, *_ in plots[0]] == [*(f"encoder-{n}" for n in range(8)), "llm"]
    for names in plots:
        for (_, left, top, right, bottom), (_, x1, y1, x2, y2) in combinations(names, 2):
            # A box has room above and below its letters.
            assert left >= x2 or x1 >= right or top + 3 >= y2 - 3 or y1 + 3 >= bottom - 3
    for figure in page.locator("figure svg[role=img]").all():
        box = figure.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 150
    context.close()
    assert said == []
