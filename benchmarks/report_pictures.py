"""Takes the pictures of the HTML report that the docs show, of a JSON report, and of a study.

    pytest --ood-suite --ood-report=report.json
    python benchmarks/report_pictures.py report.json --out docs/images
    python benchmarks/report_pictures.py report.json --study --out docs/images

Needs Chromium (`chromium`, `chromium-browser` or `google-chrome` on the path).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from pytest_ood.analysis.merge import merge_reports
from pytest_ood.analysis.serialization import read_report
from pytest_ood.analysis.studies import build_study
from pytest_ood.reports import study_html
from pytest_ood.reports.formats import html

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
Picture = tuple[int, int, Literal["light", "dark"], str]

PICTURES: dict[str, Picture] = {
    "report-verdict": (1280, 760, "light", "h1"),
    "report-drops": (1280, 900, "light", "h3 >> text=Drop per shift"),
    "report-phone": (375, 812, "dark", "h3 >> text=Drop per shift"),
}
STUDY_PICTURES: dict[str, Picture] = {
    "study-robustness": (1280, 900, "light", "h3 >> text=Robustness beyond"),
    "study-scale": (1280, 900, "light", "h3 >> text=Over the size"),
    "study-learning": (1280, 900, "light", "h3 >> text=Over the number"),
    "study-phone": (375, 812, "dark", "h3 >> text=Robustness beyond"),
}
"""Width and height in pixels, colour scheme, and what stands at the top."""


def main() -> int:
    """Write each picture."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--study", action="store_true", help="of the models of the report")
    options = parser.parse_args()
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(f"no browser is installed: none of {', '.join(BROWSERS)}")
    options.out.mkdir(parents=True, exist_ok=True)
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "report.html"
        report = read_report(options.report)
        text, pictures = html.render(report), PICTURES
        if options.study:
            names = [options.report.name]
            merged = merge_reports([(names[0], report)], newest_counts=False)
            text, pictures = study_html.render(build_study(merged, names)), STUDY_PICTURES
        page_file.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        for name, (width, height, scheme, top) in pictures.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(page_file.as_uri())
            page.locator(top).first.evaluate("it => it.scrollIntoView()")
            page.screenshot(path=options.out / f"{name}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
