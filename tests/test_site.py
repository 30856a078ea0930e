from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import pytest_ood

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""Attributes through which a page has a browser fetch something."""

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```\w+\n.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as a host would; a warning of the builder is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        # The theme advertises its successor on every start.
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Page(HTMLParser):
    """What a page loads from other hosts, and its ids and code blocks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elsewhere: list[str] = []
        self.ids: set[str] = set()
        self.blocks = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag tells."""
        given = dict(attrs)
        wanted = given.get(LOADING.get(tag, "")) or ""
        if re.match(r"(?:https?:)?//", wanted):
            self.elsewhere.append(wanted)
        self.ids.add(given.get("id") or "")
        self.blocks += tag == "pre"


def documents() -> list[str]:
    """Return the pages, by their names without an ending."""
    return sorted(path.stem for path in (ROOT / "docs").glob("*.md"))


def page(site: Path, name: str) -> Page:
    """Read a built page."""
    folder = site if name == "index" else site / name
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """No page, and no style sheet, has a browser ask another host for anything."""
    loaded = {n: page(site, n).elsewhere for n in documents()}
    assert loaded == {name: [] for name in documents()}
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:url\(\s*['\"]?|@import\s+['\"])(?:https?:)?//", text), sheet


@pytest.mark.parametrize("name", [n for n in documents() if n != "api"])
def test_every_code_block_is_one_on_the_site(site: Path, name: str) -> None:
    """A block that a comment stands above, or a list around, is rendered as a block."""
    written = FENCE.findall((ROOT / f"docs/{name}.md").read_text(encoding="utf-8"))
    assert page(site, name).blocks == len(written)


def test_lists_are_lists_on_the_site(site: Path) -> None:
    """No list stands in a paragraph, where the builder wants an empty line before it."""
    for name in documents():
        folder = site if name == "index" else site / name
        paragraphs = re.findall(
            r"<p>(.*?)</p>", (folder / "index.html").read_text(encoding="utf-8"), re.DOTALL
        )
        assert [p for p in paragraphs if re.search(r"^(?:\*|\d+\.) ", p, re.MULTILINE)] == [], name


def test_every_public_name_stands_in_the_reference(site: Path) -> None:
    """What the package exports is described, each under an anchor of its name."""
    known = page(site, "api").ids
    homes = {name: getattr(pytest_ood, name) for name in pytest_ood.__all__}
    missing = [
        name
        for name, value in homes.items()
        if f"pytest_ood.{name}" not in known and f"{value.__module__}.{name}" not in known
    ]
    assert missing == []


def test_every_page_has_its_place_in_the_navigation() -> None:
    """The table of contents names every page once, and no other."""
    configured = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = [place for entry in configured["nav"] for place in entry.values()]
    assert sorted(named) == [f"{name}.md" for name in documents()]


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *(f"docs/{name}.md" for name in documents())]
)
def test_links_between_files_work_on_the_repository_page(name: str) -> None:
    """A relative link names a file of the repository, and of the pages none outside of them."""
    path = ROOT / name
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"https?://|#", target):
            continue
        linked = (path.parent / target.partition("#")[0]).resolve()
        assert linked.is_file(), target
        assert path.parent == ROOT or linked.is_relative_to(ROOT / "docs"), target
