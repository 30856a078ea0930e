from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.analysis.merge import merge_reports
from pytest_ood.analysis.serialization import from_json
from pytest_ood.analysis.studies import build_study
from pytest_ood.reports import study_html
from pytest_ood.reports.study_charts import (
    HEIGHT,
    MARK,
    NAME_CUT,
    WIDTHS,
    Plot,
    learning_plot,
    placed,
    robustness_plot,
    scaling_plot,
)

CHARACTER, LINE = 6.0, 11.0
"""Pixels of a name at least: what is drawn is a little smaller than what is reserved."""


@pytest.fixture(scope="session")
def suite(make_report: Any, study_models: Any) -> Any:
    """Study the nine models."""
    merged = merge_reports([("x", from_json(make_report(study_models)))], newest_counts=False)
    return build_study(merged, ["x"]).suites[0]


def boxes(plot_width: int, names: Any, places: Any) -> list[tuple[float, float, float, float]]:
    """Return left, top, right and bottom of the names, in pixels."""
    found = []
    for name, (x, y) in zip(names, places, strict=True):
        if name is not None:
            size = len(name.text) * CHARACTER
            start = {"start": 0.0, "middle": size / 2, "end": size}[name.anchor]
            left = x * plot_width / 100 + name.dx - start
            top = y * HEIGHT / 100 + name.dy - LINE / 2
            found.append((left, top, left + size, top + LINE))
    return found


def meet(one: Any, two: Any) -> bool:
    """Tell whether two boxes overlap."""
    return bool(one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3])


places_of_points = st.lists(
    st.tuples(st.floats(0, 100).map(lambda v: round(v, 1)), st.floats(0, 100).map(round)),
    min_size=1, max_size=12,
)  # fmt: skip


@given(places=places_of_points, lengths=st.lists(st.integers(1, 40), min_size=12, max_size=12))
def test_no_name_hides_another(places: list[tuple[float, float]], lengths: list[int]) -> None:
    """At every width names are apart from one another, and from all other points."""
    names = ["x" * length for length in lengths[: len(places)]]
    found = placed(names, places)
    for width in (*WIDTHS, 280, 400, 520):
        drawn = boxes(width, found, places)
        if width in WIDTHS:
            assert not any(meet(*pair) for pair in combinations(drawn, 2))
        named = [n for n, name in enumerate(found) if name is not None]
        for number, box in zip(named, drawn, strict=True):
            assert box[1] >= -1
            assert box[3] <= HEIGHT + 1
            for other, (x, y) in enumerate(places):
                px, py, size = x * width / 100, y * HEIGHT / 100, MARK - 2
                mark = (px - size, py - size, px + size, py + size)
                assert other == number or width not in WIDTHS or not meet(box, mark)


def test_a_point_by_itself_is_named_beside_it() -> None:
    """To the right where there is room, else to the left; what has no name gets none."""
    right, left, none = placed(["one", "two", ""], [(10.0, 50.0), (99.0, 50.0), (50.0, 10.0)])
    assert right is not None
    assert (right.text, right.anchor, right.dx, right.dy, right.leader) == (
        "one",
        "start",
        10,
        0,
        False,
    )
    assert left is not None
    assert left.anchor == "end"
    assert none is None


def test_a_long_name_is_cut() -> None:
    """It does not fill the plot; the point's title has all of it."""
    (name,) = placed(["n" * 100], [(50.0, 50.0)])
    assert name is not None
    assert len(name.text) == NAME_CUT


def inside(plot: Plot) -> bool:
    """Tell whether every point and every tick lies on the plot."""
    places = [value for mark in plot.marks for value in (mark.x, mark.y, mark.left, mark.right)]
    places += [mark.high for mark in plot.marks] + [mark.low for mark in plot.marks]
    places += [tick.at for tick in (*plot.x, *plot.y)]
    return all(-0.01 <= value <= 100.01 for value in places)


@pytest.mark.slow
def test_robustness_has_its_lines(suite: Any) -> None:
    """Y = x and the line on both axes; baselines are hollow, and every model is a point."""
    plot = robustness_plot(suite.shifts[0], lambda e: e.info.name)
    assert [path.look for path in plot.paths] == ["identity", "linear", "probit"]
    assert [mark.title for mark in plot.marks if not mark.hollow] == ["llm"]
    assert len(plot.marks) == 9
    assert inside(plot)
    for mark in plot.marks:
        assert mark.left < mark.x < mark.right
        assert mark.high < mark.y < mark.low


def test_scaling_has_both_fits(suite: Any) -> None:
    """On a logarithmic axis, with ticks as people write sizes."""
    scales = [s for s in suite.scales if s.figure == "accuracy" and s.shift is None]
    plot = scaling_plot("accuracy", scales, lambda name, _: name)
    assert [path.look for path in plot.paths] == ["log-linear", "broken"]
    assert [tick.label for tick in plot.x] == ["1M", "10M", "100M", "1B"] or len(plot.x) >= 2
    assert len(plot.marks) == 8
    assert inside(plot)


def test_a_prompted_curve_is_held(suite: Any) -> None:
    """It goes on, dotted, to the right end; the end of each curve has its name."""
    plot = learning_plot("accuracy", suite.learning[0], lambda curve, _: curve.name)
    assert [(path.look, path.kind) for path in plot.paths] == [
        ("trained", "encoder"),
        ("held", "llm"),
    ]
    assert plot.paths[1].points.split()[-1].startswith("100,")
    assert [mark.name.text for mark in plot.marks if mark.name is not None] == ["encoder", "llm"]
    assert inside(plot)


@pytest.mark.slow
def test_the_page_is_made_of_nothing_else(make_report: Any, study_models: Any) -> None:
    """No script, no address, and foreign names do nothing in it."""
    attack = "<script>alert(1)</script>\u202e"
    from dataclasses import replace

    models = [*study_models[:-1], replace(study_models[-1], name=attack)]
    merged = merge_reports([("x", from_json(make_report(models)))], newest_counts=False)
    page = study_html.render(build_study(merged, [attack]))
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert page.count("<figure") == 2 + 3 + 3
