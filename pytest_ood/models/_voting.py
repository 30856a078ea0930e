"""Self-consistency: several sampled answers to one prompt, and the vote between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.loading.prompts import reasoning_steps
from pytest_ood.tasks import SCORE_DECIMALS, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.tasks import Task

VOTES = ("majority", "complexity")
"""Which samples vote: all that have an answer, or those with the most reasoning steps."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """The number of answers to a prompt, how they are sampled, and how they are combined.

    Attributes:
        samples: The number of answers to a prompt.
        temperature: The sampling temperature; 0 always takes the likeliest token.
        seed: The seed of the sampling.
        vote: One of `VOTES`.
        vote_top: The number of samples that vote, for vote = "complexity".
    """

    samples: int = 1
    temperature: float = 0.0
    seed: int = 0
    vote: str = "majority"
    vote_top: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings that decide answers; empty without sampling."""
        parameters: dict[str, Any] = {}
        if self.temperature:
            parameters |= {"temperature": self.temperature, "seed": self.seed}
        if self.samples > 1:
            parameters |= {"samples": self.samples, "vote": self.vote}
        return parameters if self.vote_top is None else {**parameters, "vote_top": self.vote_top}

    def check(self, owner: str, *, chain_of_thought: bool, drawn: bool) -> None:
        """Check that the options go together.

        Args:
            owner: The start of error messages.
            chain_of_thought: Whether samples have reasoning steps.
            drawn: Whether two samples may differ at all.

        Raises:
            ConfigurationError: they do not.
        """
        if self.samples < 1:
            raise ConfigurationError(f"{owner}: samples = {self.samples} has to be 1 or more")
        if self.samples > 1 and not drawn:
            raise ConfigurationError(
                f"{owner}: samples = {self.samples} at temperature = 0 would all be the same; give "
                "a temperature above 0 (0.7 is usual), or leave out `samples`"
            )
        if self.vote not in VOTES:
            raise ConfigurationError(f"{owner}: " + unknown_name("vote", self.vote, VOTES))
        if self.vote == "complexity":
            self._check_complexity(owner, chain_of_thought=chain_of_thought)
        elif self.vote_top is not None:
            raise ConfigurationError(f'{owner}: vote_top goes with vote = "complexity"')

    def _check_complexity(self, owner: str, *, chain_of_thought: bool) -> None:
        if self.samples == 1 or not chain_of_thought:
            raise ConfigurationError(
                f'{owner}: vote = "complexity" is among several samples with reasoning steps; it '
                "needs samples = 2 or more and chain_of_thought = true"
            )
        if self.vote_top is None or not 1 <= self.vote_top <= self.samples:
            raise ConfigurationError(
                f'{owner}: vote = "complexity" needs vote_top from 1 to {self.samples}: how many '
                "of "
                f"the most complex samples vote, not {self.vote_top}"
            )


@dataclass(frozen=True)
class SampledAnswer:
    """One answer to a prompt.

    Attributes:
        text: The generated text.
        answer: The answer parsed from it, or None.
    """

    text: str
    answer: str | None


def elect(samples: Sequence[SampledAnswer], sampling: Sampling, task: Task) -> Prediction:
    """Return the answer that most samples give; of several, the one that came first.

    Wang et al. 2022, Self-Consistency Improves Chain of Thought Reasoning, section 2; by the most
    complex samples, of those that have an answer: Fu et al. 2022, section 3.2. An answer's score is
    its share of the votes. Samples without an answer do not vote; where none has one, it is an
    abstention.

    Args:
        samples: In the order of their numbers, 1 or more.
        sampling: The settings of the vote.
        task: Decides which answers are the same.
    """
    if sampling.samples == 1:
        return Prediction(samples[0].answer, text=samples[0].text)
    voting = [sample for sample in samples if sample.answer is not None]
    if sampling.vote == "complexity":
        most = sorted(voting, key=lambda sample: -reasoning_steps(sample.text))
        most_complex = {id(sample) for sample in most[: sampling.vote_top]}
        voting = [sample for sample in voting if id(sample) in most_complex]
    if not voting:
        return Prediction(None, text=samples[0].text)
    ballots = [task.ballot(sample.answer or "") for sample in voting]
    # Of equal counts the first: a Counter keeps the order in which ballots came.
    ((winner, _),) = Counter(ballots).most_common(1)
    chosen = voting[ballots.index(winner)]
    assert chosen.answer is not None, "unreachable because only answers vote"
    shares = {label: ballots.count(label) / len(ballots) for label in task.labels}
    shares = shares or {chosen.answer: ballots.count(winner) / len(ballots)}
    scores = {answer: round(share, SCORE_DECIMALS) for answer, share in shares.items()}
    return Prediction(chosen.answer, scores, chosen.text)
