"""Which of several answers counts."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError
from pytest_ood.models._voting import SampledAnswer, Sampling, elect
from pytest_ood.tasks import Classification, NumericAnswer, Prediction, QuestionAnswering, Task

LABELS = Classification(("no", "yes"))


def samples(*answers: str | None) -> list[SampledAnswer]:
    """Return samples whose texts tell their numbers."""
    return [SampledAnswer(f"sample {number}", answer) for number, answer in enumerate(answers)]


def vote(task: Task, *answers: str | None) -> Prediction:
    """Let answers vote."""
    return elect(samples(*answers), Sampling(samples=len(answers), temperature=0.7), task)


def test_one_sample_is_the_answer() -> None:
    """Where nobody votes, nothing is known of an answer's share."""
    assert vote(LABELS, "yes") == Prediction("yes", text="sample 0")
    assert vote(LABELS, None) == Prediction(None, text="sample 0")


@pytest.mark.parametrize(
    ("task", "answers", "expected"),
    [
        (LABELS, ("no", "yes", "yes"),
         Prediction("yes", {"no": 0.3333, "yes": 0.6667}, "sample 1")),
        (LABELS, ("yes", "yes", "yes"), Prediction("yes", {"no": 0.0, "yes": 1.0}, "sample 0")),
        (LABELS, (None, "yes", "no"), Prediction("yes", {"no": 0.5, "yes": 0.5}, "sample 1")),
        (LABELS, ("no", "yes", "yes", "no"),
         Prediction("no", {"no": 0.5, "yes": 0.5}, "sample 0")),
        (LABELS, (None, None), Prediction(None, text="sample 0")),
        (NumericAnswer(), ("7", "-3", "-3", "3"), Prediction("-3", {"-3": 0.5}, "sample 1")),
        (QuestionAnswering(), ("Rome", "the Seine", "Seine."),
         Prediction("the Seine", {"the Seine": 0.6667}, "sample 1")),
    ],
)  # fmt: skip
def test_the_majority_counts(
    task: Task, answers: tuple[str | None, ...], expected: Prediction
) -> None:
    """What most give is the answer, the first of equals; who has no answer does not vote."""
    assert vote(task, *answers) == expected


@given(st.lists(st.sampled_from(["no", "yes", None]), min_size=2, max_size=9))
def test_no_answer_has_more_votes(answers: list[str | None]) -> None:
    """The elected answer has most votes, its score is their share, and scores add up to 1."""
    found, counts = vote(LABELS, *answers), Counter(answer for answer in answers if answer)
    if not counts:
        assert found.label is None
        return
    assert found.label is not None
    assert counts[found.label] == max(counts.values())
    assert found.scores[found.label] == pytest.approx(
        counts[found.label] / counts.total(), abs=1e-4
    )
    assert sum(found.scores.values()) == pytest.approx(1.0, abs=1e-3)


def test_the_most_complex_vote() -> None:
    """Of five chains the three with the most steps vote; of equal ones those that came first."""
    chains = [("a", "no"), ("a\nb", "no"), ("a\nb\nc", "yes"), ("a\nb", "yes"), ("a\nb", "no"),
              ("a\nb\nc\nd\ne", None)]  # fmt: skip
    drawn = [SampledAnswer(text, answer) for text, answer in chains]
    majority = elect(drawn, Sampling(samples=6, temperature=0.7), LABELS)
    assert (majority.label, majority.text) == ("no", "a")
    complex_ones = elect(
        drawn, Sampling(samples=6, temperature=0.7, vote="complexity", vote_top=3), LABELS
    )
    assert (complex_ones.label, complex_ones.text) == ("yes", "a\nb\nc")
    assert complex_ones.scores == {"no": 0.3333, "yes": 0.6667}


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (Sampling(samples=0), "samples = 0 has to be 1 or more"),
        (
            Sampling(samples=5),
            "samples = 5 at temperature = 0 would all be the same; give a temperature",
        ),
        (Sampling(samples=5, temperature=0.7, vote="loudest"), "unknown vote 'loudest'"),
        (
            Sampling(samples=5, temperature=0.7, vote_top=3),
            'vote_top goes with vote = "complexity"',
        ),
        (Sampling(samples=5, temperature=0.7, vote="complexity"), "needs vote_top from 1 to 5"),
        (
            Sampling(samples=5, temperature=0.7, vote="complexity", vote_top=6),
            "needs vote_top from 1 to 5",
        ),
        (
            Sampling(samples=1, temperature=0.7, vote="complexity", vote_top=1),
            "among several samples",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(sampling: Sampling, message: str) -> None:
    """Samples that cannot differ, and votes that nobody can take, are usage errors."""
    with pytest.raises(ConfigurationError) as caught:
        sampling.check("model 'm'", chain_of_thought=True, drawn=sampling.temperature > 0)
    assert message in str(caught.value)


def test_complexity_is_that_of_chains() -> None:
    """Answers without a chain of thought have no steps to go by."""
    sampling = Sampling(samples=5, temperature=0.7, vote="complexity", vote_top=3)
    with pytest.raises(ConfigurationError, match="chain_of_thought = true"):
        sampling.check("model 'm'", chain_of_thought=False, drawn=True)
    sampling.check("model 'm'", chain_of_thought=True, drawn=True)
