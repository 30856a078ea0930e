from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.utils.progress import Lines, Silent, duration


class Clock:
    """A clock that stands still until it is told the time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_step_is_announced_and_closed() -> None:
    """A step writes one line when it starts and one, with its duration, when it ends."""
    lines: list[str] = []
    clock = Clock()
    with Lines(lines.append, clock=clock).track("training roberta", 1500, "steps"):
        assert lines == ["training roberta: 1,500 steps"]
        clock.now += 65
    assert lines[1:] == ["training roberta: done in 1 min 05 s"]


def test_a_line_is_written_every_interval() -> None:
    """Updates between two intervals are silent; the others say how far and how long left."""
    lines: list[str] = []
    clock = Clock()
    with Lines(lines.append, interval=10.0, clock=clock).track("x", 100, "texts") as tracker:
        for done in range(1, 5):
            clock.now += 5
            tracker.update(done * 10)
    assert lines == [
        "x: 100 texts",
        "x: 20 of 100 texts (20%), 2.0 texts a second, about 40 s left",
        "x: 40 of 100 texts (40%), 2.0 texts a second, about 30 s left",
        "x: done in 20 s, 2.0 texts a second",
    ]


def test_nothing_done_yet_is_not_reported() -> None:
    """Without a first unit nobody can tell how long is left, so nothing is said."""
    lines: list[str] = []
    clock = Clock()
    with Lines(lines.append, interval=1.0, clock=clock).track("x", 100, "texts") as tracker:
        clock.now += 5
        tracker.update(0)
        assert lines == ["x: 100 texts"]


def test_a_quick_step_says_nothing() -> None:
    """A quick step that is quick leaves no line."""
    lines: list[str] = []
    clock = Clock()
    with Lines(lines.append, clock=clock).track("x", 3, "texts", quick=True) as tracker:
        clock.now += 1
        tracker.update(3)
    assert lines == []


def test_a_quick_step_that_takes_long_is_reported() -> None:
    """A quick step that outlasts the interval says how far it is, and when it is done."""
    lines: list[str] = []
    clock = Clock()
    with Lines(lines.append, interval=15.0, clock=clock).track(
        "x", 4, "texts", quick=True
    ) as tracker:
        clock.now += 30
        tracker.update(1)
        clock.now += 60
        tracker.update(4, "3 more were known")
    assert lines == [
        "x: 1 of 4 texts (25%), 30.0 s each, about 1 min 30 s left",
        "x: 4 of 4 texts (100%), 22.5 s each, about 0 s left; 3 more were known",
        "x: done in 1 min 30 s, 22.5 s each; 3 more were known",
    ]


def test_a_step_of_unknown_length_is_announced_by_name() -> None:
    """Where the total is not known the first line leaves it out."""
    lines: list[str] = []
    with Lines(lines.append, clock=Clock()).track("converting", 0, "tensors"):
        pass
    assert lines == ["converting", "converting: done in 0 s"]


def test_a_step_that_fails_is_not_done() -> None:
    """An error passes through, and no line claims that the step is done."""
    lines: list[str] = []
    step = Lines(lines.append, clock=Clock()).track("x", 3, "texts")
    with pytest.raises(ZeroDivisionError), step as tracker:
        tracker.update(1 // 0)
    assert lines == ["x: 3 texts"]


def test_a_step_that_is_ended_says_how_far_it_got() -> None:
    """Whatever ends a step under way, its last line says what was done until then."""
    lines: list[str] = []
    step = Lines(lines.append, clock=Clock()).track("x", 3, "texts", quick=True)

    def interrupted() -> None:
        with step as tracker:
            tracker.update(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert lines == ["x: stopped after 2 of 3 texts"]


def test_more_than_announced_leaves_no_time() -> None:
    """A step that does more than it announced never has a negative time left."""
    lines: list[str] = []
    clock = Clock()
    with Lines(lines.append, interval=1.0, clock=clock).track("x", 10, "MB") as tracker:
        clock.now += 10
        tracker.update(11)
    assert lines[1].endswith("about 0 s left")


def test_silent_takes_everything_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The silent progress has the same interface and no output."""
    with Silent().track("x", 3, "texts", quick=True) as tracker:
        tracker.update(3)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (4.4, "4 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (4200, "1 h 10 min"),
        (90000, "25 h 00 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """Seconds are written in the two largest units that people use."""
    assert duration(seconds) == text


@settings(deadline=None)
@given(seconds=st.floats(0, 1e6))
def test_a_duration_never_shows_sixty(seconds: float) -> None:
    """Rounding never gives 60 seconds or 60 minutes."""
    assert "60" not in duration(seconds).split(" h ")[-1]
