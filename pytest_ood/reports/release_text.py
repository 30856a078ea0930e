"""The comparison with an earlier run as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.analysis.report import path_of
from pytest_ood.budgets import interval, points
from pytest_ood.reports.escaping import one_line
from pytest_ood.reports.wording import VERDICT_MARKS, level

if TYPE_CHECKING:
    from pytest_ood.analysis.report import Change, GroupChange, Release

NAME_WIDTH = 44
MODEL_WIDTH = 18
MOVED = 0.05
SHOWN_GROUPS = 5


def render(release: Release, alpha: float) -> list[str]:
    """Return the lines of a table for the terminal, none wider than 100 columns.

    Args:
        release: The comparison.
        alpha: One-sided level of its intervals.
    """
    lines = [
        f"against {one_line(release.earlier, 60)}: scores then and now on the same examples, "
        "drop in points,",
        level(alpha),
        f"{'':{NAME_WIDTH}}{'':{MODEL_WIDTH}}{'then':>6}{'now':>6}{'drop':>6}  interval",
    ]
    for change in release.changes:
        path = path_of(change.suite, change.kind, change.shift)
        line = f"{one_line(path, NAME_WIDTH - 1):{NAME_WIDTH}}"
        line += f"{one_line(change.model, MODEL_WIDTH - 1):{MODEL_WIDTH}}"
        if change.drop is None:
            lines.append(line + ("no example in common" if change.n_now else "not measured now"))
            continue
        line += f"{points(change.score_before):>6}{points(change.score_now):>6}"
        line += f"{points(change.drop.value):>6}  {interval(change.drop)}"
        verdict = f" {VERDICT_MARKS[change.verdict]}".rstrip()
        part = f" (n = {change.n})" if change.n < max(change.n_before, change.n_now) else ""
        lines.append(line + verdict + part)
        lines += _moved_lines(change)
    return [*lines, *(f"note: {one_line(note, 400)}" for note in release.notes)]


def moved(change: Change) -> list[GroupChange]:
    """Return the groups whose scores moved by five points or more, the largest moves first."""
    large = [g for g in change.groups if abs(g.score_now - g.score_before) >= MOVED]
    return sorted(
        large, key=lambda g: (-abs(g.score_now - g.score_before), g.within or "", g.group)
    )


def _moved_lines(change: Change) -> list[str]:
    """Return the groups that moved most, and how many more did."""
    groups, lines = moved(change), []
    width = NAME_WIDTH + MODEL_WIDTH - 2
    for group in groups[:SHOWN_GROUPS]:
        name = f"{group.within}: {group.group}" if group.within else group.group
        before, now = group.score_before, group.score_now
        lines.append(
            f"  {one_line(name, width - 1):{width}}{points(before):>6}{points(now):>6}"
            f"{points(before - now):>6}"
        )
    more = len(groups) - SHOWN_GROUPS
    if more > 0:
        lines.append(f"  {more} more groups moved by {points(MOVED)} or more")
    return lines
