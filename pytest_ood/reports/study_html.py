"""A study as a page: one file that needs nothing else, as the report's (see `html`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from pytest_ood.reports import study_text
from pytest_ood.reports.formats.html import COLOURS, SHAPES, TEMPLATES, environment, policy
from pytest_ood.reports.study_charts import learning_plot, robustness_plot, scaling_plot

if TYPE_CHECKING:
    from pytest_ood.analysis.merge import ShiftKey
    from pytest_ood.analysis.studies import (
        Curve,
        Entry,
        Learning,
        Scale,
        ShiftStudy,
        Study,
        SuiteStudy,
    )
    from pytest_ood.reports.study_charts import Plot
    from pytest_ood.statistics import Estimate

    Look = tuple[int, int]

KINDS = ("prompted", "fine-tuned", "no pre-training", "other")
"""Of models, each with a look of its own in every study."""


def render(study: Study) -> str:
    """Return the page."""
    style = (TEMPLATES / "page.css").read_text("utf-8")
    template = environment().get_template("study.html")
    return template.render(
        study=study,
        suites=[_Suite(number, suite) for number, suite in enumerate(study.suites, start=1)],
        words=study_text,
        style=Markup(style),  # noqa: S704 - a file of this package
        policy=policy(style),
    )


@dataclass(frozen=True)
class _Suite:
    """One suite's part of the page."""

    number: int
    study: SuiteStudy

    @property
    def kinds(self) -> list[str]:
        """The kinds of models that there are, in a fixed order."""
        kinds = {info.kind for info in self.study.models}
        return [kind for kind in KINDS if kind in kinds]

    @property
    def looks(self) -> dict[str, Look]:
        """Colour and shape of each kind of model."""
        return {kind: (index, index) for index, kind in enumerate(KINDS)}

    @cached_property
    def curve_looks(self) -> dict[str, Look]:
        """Colour and shape of each learning curve."""
        names = dict.fromkeys(c.name for learning in self.study.learning for c in learning.curves)
        return {
            name: (index % COLOURS, (index + index // COLOURS) % SHAPES)
            for index, name in enumerate(names)
        }

    @property
    def robustness(self) -> list[tuple[ShiftStudy, Plot]]:
        """Each shift with its chart."""
        return [(shift, robustness_plot(shift, _entry)) for shift in self.study.shifts]

    @property
    def scaling(self) -> list[Plot]:
        """Accuracy over size, in distribution and under each shift, where there are two sizes."""
        groups: dict[ShiftKey | None, list[Scale]] = {}
        for scale in self.study.scales:
            if scale.figure == "accuracy":
                groups.setdefault(scale.shift, []).append(scale)
        return [
            scaling_plot(f"accuracy {study_text.where(key)}", scales, _value)
            for key, scales in groups.items()
            if len({size for scale in scales for _, size, _ in scale.models}) > 1
        ]

    @property
    def learning(self) -> list[tuple[Learning, Plot]]:
        """Learning curves with their charts."""
        return [
            (
                learning,
                learning_plot(f"accuracy {study_text.where(learning.shift)}", learning, _curve),
            )
            for learning in self.study.learning
        ]


def _entry(entry: Entry) -> str:
    before, after = (study_text.figure(e) for e in (entry.before, entry.after))
    return f"{entry.info.name}: {before} in distribution, {after} under the shift"


def _value(name: str, value: Estimate) -> str:
    return f"{name}: {study_text.figure(value)}"


def _curve(curve: Curve, score: Estimate) -> str:
    return f"{curve.name}: {study_text.figure(score)}"
