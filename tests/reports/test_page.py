"""The HTML report in a browser: what a reader sees, and what hostile text does there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.analysis.serialization import from_json
from pytest_ood.reports.formats import html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Report = dict[str, Any]


def render(report: Report) -> str:
    """Render the plain values of a report."""
    return html.render(from_json(report))


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ATTACK = (
    "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    "<style>body { display: none }</style><svg onload='window.hacked = 1'></svg>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium, once."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra dev")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)}")
    # Chromium's sandbox does not work for root, which tests in containers are.
    arguments = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=arguments)
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Any]:
    """Return what opens a page from disk, and fails where the browser complains about it."""

    @contextmanager
    def show(
        text: str, width: int = 1280, scheme: str = "light", *, complaints: bool = False
    ) -> Iterator[Page]:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        said: list[str] = []
        asked: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        yield page
        context.close()
        assert bool(said) == complaints, said
        # What the policy stops is counted as asked for, too.
        assert complaints or asked == [path.as_uri()]

    return show


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_seen(
    width: int, scheme: str, opened: Callable[..., Any], full_report: Report
) -> None:
    """Charts have a size, their marks lie in them, and nothing has to be scrolled sideways."""
    with opened(render(full_report), width, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("figure svg[role=img]").count() == 3 + 1
        for figure in page.locator("figure svg[role=img]").all():
            box = figure.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) > 150
        strips = page.locator("svg.strip").count()
        assert strips == page.locator(".forest .c-verdict .verdict").count() > 0
        outside = page.evaluate(
            """() => [
              ...document.querySelectorAll(":is(.area, .strip) > .mark > :not(title)")
            ].filter((mark) => {
                const plot = mark.parentElement.parentElement.getBoundingClientRect();
                const { x, y, width, height } = mark.getBoundingClientRect();
                const [cx, cy] = [x + width / 2, y + height / 2];
                return cx < plot.left - 2 || cx > plot.right + 2
                    || cy < plot.top - 2 || cy > plot.bottom + 2;
            }).length"""
        )
        assert outside == 0


def test_the_colours_follow_the_scheme(opened: Callable[..., Any], full_report: Report) -> None:
    """The page is light by day and dark by night."""
    brightness = {}
    for scheme in ("light", "dark"):
        with opened(render(full_report), 1280, scheme) as page:
            colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness[scheme] = sum(map(int, colour[4:-1].split(",")))
    assert brightness["light"] > 600
    assert brightness["dark"] < 200


def test_the_filters_work_by_keyboard(opened: Callable[..., Any], full_report: Report) -> None:
    """Tab reaches every filter; what is chosen is shown and counted; the button shows all again."""
    with opened(render(full_report)) as page:
        flips = page.locator(".flip")
        everything = flips.count()
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.name || document.activeElement.type"))
            if seen[-1] == "model":
                page.keyboard.press("ArrowDown")
            if seen[-1] == "reset":
                break
        assert [name for name in seen if name in ("shift", "model", "label", "reset")] == [
            "shift", "model", "label", "reset",
        ]  # fmt: skip
        shown = page.locator(".flip:visible")
        assert 0 < shown.count() < everything or page.locator("select[name=model]").count() == 0
        assert page.locator("#shown").text_content() == f"{shown.count()} of {everything} shown"
        model = page.locator("select[name=model] option:checked").text_content()
        assert {text.split(" ")[0] for text in shown.locator(".what").all_text_contents()} == {
            model
        }
        page.keyboard.press("Enter")
        from playwright.sync_api import expect

        expect(page.locator(".flip:visible")).to_have_count(everything)


def test_every_filter_filters(opened: Callable[..., Any], full_report: Report) -> None:
    """Each choice leaves the examples that are of it; two filters narrow down together."""
    with opened(render(full_report)) as page:
        for name, where in (("shift", ".what"), ("model", ".what"), ("label", ".answers")):
            options = page.locator(f"select[name={name}] option").all_text_contents()[1:]
            counts = []
            for option in options:
                page.select_option(f"select[name={name}]", label=option)
                texts = page.locator(f".flip:visible {where}").all_text_contents()
                assert all(option.replace("/", " / ") in text for text in texts)
                counts.append(len(texts))
            assert sum(counts) == page.locator(".flip").count()
            page.select_option(f"select[name={name}]", value="")


def test_the_page_works_without_scripts(
    browser: Browser, full_report: Report, tmp_path: Path
) -> None:
    """Where no script runs, every example is shown and no filter that would do nothing."""
    path = tmp_path / "report.html"
    path.write_text(render(full_report), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator(".flip:visible").count() == page.locator(".flip").count() > 0
    assert not page.locator("#filters").is_visible()
    context.close()


def test_hostile_text_does_nothing(
    opened: Callable[..., Any], spoil: Callable[[str], Report]
) -> None:
    """Markup in any field is text, the page stays within a phone, and nothing runs."""
    for text in (ATTACK, "\u202e\x1b[31m" + "x" * 500):
        with opened(render(spoil(text)), 375) as page:
            assert page.evaluate("window.hacked") is None
            assert page.evaluate("document.documentElement.scrollWidth") <= 375
            assert page.locator("h1").is_visible()


def test_the_policy_stops_what_escaping_would_let_through(
    opened: Callable[..., Any], full_report: Report
) -> None:
    """Were foreign text written as it is, no script would run and no style would apply."""
    broken = render(full_report).replace("<main>", f"<main>{ATTACK}", 1)
    with opened(broken, complaints=True) as page:
        assert page.evaluate("window.hacked") is None
        assert page.locator("h1").is_visible()
        assert page.locator("#filters").is_visible()
