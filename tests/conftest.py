"""Fixtures that several tests share."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

# A test that depends on the load of the machine, or on luck, says nothing about the code.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


@pytest.fixture(scope="session")
def compiled_packages() -> None:
    """Load compiled packages once: in-process runs forget what they have imported."""
    for name in ("numpy", "scipy.stats", "scipy.optimize", "nlpaug.augmenter.word", "sklearn"):
        importlib.import_module(name)


@pytest.fixture
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the user's cache folder under the test's own."""
    folder = tmp_path / "user-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def review(number: int) -> dict[str, str]:
    """Return a review whose label two words give away."""
    good = number % 2 == 0
    first = ("wonderful", "terrible")[not good]
    second = ("delightful", "dreadful")[not good]
    return {
        "id": f"r{number}",
        "text": f"Number {number} was a {first} film with a {second} ending.",
        "label": "positive" if good else "negative",
    }


@pytest.fixture
def project(pytester: pytest.Pytester, user_cache: Path) -> pytest.Pytester:  # noqa: ARG001
    """Make a project with its own data, a suite of all three kinds of shift, and two fakes.

    `sturdy` knows both telling words of a review and `frail` one of them, so that a typo costs
    `frail` more.
    """
    rows = [review(number) for number in range(300)]
    pytester.path.joinpath("reviews.jsonl").write_text("\n".join(map(json.dumps, rows)))
    other = [{**review(n), "text": review(n)["text"].replace("film", "lamp")} for n in range(300)]
    pytester.path.joinpath("lamps.jsonl").write_text("\n".join(map(json.dumps, other)))
    pytester.path.joinpath("reviews.toml").write_text(
        """
labels = ["negative", "positive"]
min_score = 0.8

[in_distribution]
data = "reviews.jsonl"
id = "id"

[shifts.domain.lamps]
data = "lamps.jsonl"
id = "id"

[shifts.noise.keyboard]
parameters = { share = 0.35 }

[shifts.adversarial.greedy-characters]
query_budget = 20
max_examples = 30

[budgets]
domain = { max_drop = 0.10, margin = 0.05 }
noise = { max_drop = 0.10, margin = 0.05 }
adversarial = { max_drop = 0.10 }
"""
    )
    pytester.path.joinpath("pyproject.toml").write_text(
        """
[tool.pytest_ood]
suites = ["reviews.toml"]

[tool.pytest_ood.models.sturdy]
fake = "keyword"
words = { positive = ["wonderful", "delightful"], negative = ["terrible", "dreadful"] }
paradigm = "fine-tuned"
baseline = true

[tool.pytest_ood.models.frail]
fake = "keyword"
words = { positive = ["wonderful"], negative = ["terrible"] }
paradigm = "prompted"
"""
    )
    return pytester
