"""Asking a model about a suite's examples, as many as are needed, none of them twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pytest_ood.engine import check_answers
from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics import Outcome
from pytest_ood.models.protocol import Model, RecordedModel
from pytest_ood.suite import IN_DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.engine import Engine
    from pytest_ood.examples import Example, Inputs
    from pytest_ood.perturbations.adversarial import AttackResult
    from pytest_ood.shifts import AdversarialShift, NoiseShift, Shifted
    from pytest_ood.suite import Suite
    from pytest_ood.tasks import Prediction

AGAIN = 1
"""The draw of an answer that is asked for a second time."""

Asked = Model | RecordedModel


@dataclass(frozen=True)
class Asker:
    """One model, asked in the name of a suite.

    Attributes:
        suite: Says which labels there are and how answers are scored.
        engine: Asks through the prediction store.
        model: Who is asked.
    """

    suite: Suite
    engine: Engine
    model: Asked

    def answers(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> list[Prediction]:
        """Return the answers to the examples' inputs under a shift.

        Raises:
            ModelError: the model gave something else, or an answer was not recorded.
        """
        labels = self.suite.task.labels
        if isinstance(self.model, RecordedModel):
            answers = self.model.recall(shift, [example.id for example in examples])
            check_answers(self.model.name, answers, len(examples), labels)
            return answers
        what = f"{self.suite.name}/{shift}"
        return self.engine.predict(self.model, inputs, labels, what, draw)

    def outcomes(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs]
    ) -> list[Outcome]:
        """Return the scored answers.

        Raises:
            ModelError: as `answers`.
        """
        answers = self.answers(shift, examples, inputs)
        return [
            Outcome(e.id, e.label, answer, self.suite.task.score(answer, e))
            for e, answer in zip(examples, answers, strict=True)
        ]


@dataclass(frozen=True)
class Trial:
    """What a model answered before and under a shift, on the first `drawn` examples.

    Attributes:
        paired: The same examples before and after, in the same order.
        drawn: Examples of the in-distribution draw it goes up to.
        before: In distribution.
        after: Under the shift.
        originals: The inputs of `after` before they were changed; None for a domain shift.
        shifted: The inputs of `after`.
        unchanged: Examples in which nothing was changed.
        rejected: Examples whose change the validity filter did not accept.
        attacks: What became of each example under an attack; None for another shift.
        unheld: Of an attack: successes that did not hold on a second query.
    """

    paired: bool
    drawn: int
    before: tuple[Outcome, ...]
    after: tuple[Outcome, ...]
    originals: tuple[Inputs, ...] | None
    shifted: tuple[Inputs, ...]
    unchanged: int = 0
    rejected: int = 0
    attacks: tuple[AttackResult, ...] | None = None
    unheld: int = 0


class Growing(Protocol):
    """A trial that goes as far as it is asked to."""

    def upto(self, size: int) -> Trial:
        """Return the trial on the first `size` examples, asking what was not asked yet."""
        ...


@dataclass
class InDistribution:
    """The in-distribution answers that all shifts share."""

    asker: Asker
    examples: Sequence[Example]
    outcomes: list[Outcome] = field(default_factory=list)

    def upto(self, size: int) -> list[Outcome]:
        """Return the first `size` outcomes."""
        new = self.examples[len(self.outcomes) : size]
        if new:
            self.outcomes += self.asker.outcomes(IN_DISTRIBUTION, new, [e.inputs for e in new])
        return self.outcomes[:size]


@dataclass
class DomainTrial:
    """Other examples than in distribution."""

    asker: Asker
    shift: str
    source: InDistribution
    targets: Sequence[Example]
    outcomes: list[Outcome] = field(default_factory=list)

    def upto(self, size: int) -> Trial:
        """Return the first `size` of both sets; past the smaller's end, all of both."""
        smaller = min(len(self.source.examples), len(self.targets))
        whole = size >= smaller
        known = len(self.targets) if whole else size
        new = self.targets[len(self.outcomes) : known]
        if new:
            self.outcomes += self.asker.outcomes(self.shift, new, [e.inputs for e in new])
        before = self.source.upto(len(self.source.examples) if whole else size)
        return Trial(
            paired=False,
            drawn=len(before),
            before=tuple(before),
            after=tuple(self.outcomes[:known]),
            originals=None,
            shifted=tuple(e.inputs for e in self.targets[:known]),
        )


@dataclass
class NoiseTrial:
    """The same examples, perturbed; those in which nothing changed are left out."""

    asker: Asker
    shift: NoiseShift
    source: InDistribution
    shifted: Shifted
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial."""
        examples = self.source.examples
        texts = self.shifted.inputs
        places = [p for p, e in enumerate(examples[:size]) if texts[p] != e.inputs]
        new = [place for place in places if place not in self.outcomes]
        if new:
            answered = self.asker.outcomes(
                self.shift.name,
                [self.shift.relabelled(examples[p]) for p in new],
                [texts[p] for p in new],
            )
            self.outcomes.update(zip(new, answered, strict=True))
        before = self.source.upto(size)
        rejected = sum(place < size for place in self.shifted.rejected)
        return Trial(
            paired=True,
            drawn=min(size, len(examples)),
            before=tuple(before[p] for p in places),
            after=tuple(self.outcomes[p] for p in places),
            originals=tuple(examples[p].inputs for p in places),
            shifted=tuple(texts[p] for p in places),
            unchanged=min(size, len(examples)) - len(places) - rejected,
            rejected=rejected,
        )


@dataclass
class WorstTrial:
    """The worst answer to an example over several perturbations and the original.

    HELM's robust score (Liang et al. 2022, Holistic Evaluation of Language Models, section 4.4).
    """

    noises: Sequence[NoiseTrial]
    source: InDistribution

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial; each perturbation is asked about them."""
        for noise in self.noises:
            noise.upto(size)
        examples, before = self.source.examples, self.source.upto(size)
        after, texts = [], []
        for place, outcome in enumerate(before):
            worst, text = outcome, examples[place].inputs
            for noise in self.noises:
                other = noise.outcomes.get(place)
                if other is not None and other.score < worst.score:
                    worst, text = other, noise.shifted.inputs[place]
            after.append(worst)
            texts.append(text)
        return Trial(
            paired=True,
            drawn=len(before),
            before=tuple(before),
            after=tuple(after),
            originals=tuple(e.inputs for e in examples[: len(before)]),
            shifted=tuple(texts),
        )


@dataclass
class AttackTrial:
    """The same examples, attacked; all are kept: to withstand an attack is what robustness is."""

    asker: Asker
    shift: AdversarialShift
    source: InDistribution
    seed: int
    shifted: list[Inputs] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    results: list[AttackResult] = field(default_factory=list)
    unheld: list[bool] = field(default_factory=list)

    def upto(self, size: int) -> Trial:
        """Return the first `size` examples' trial.

        Raises:
            NotApplicableError: the model's answers were recorded; it cannot be asked anything new.
        """
        model = self.asker.model
        if isinstance(model, RecordedModel):
            raise NotApplicableError(
                f"model {model.name!r} is replayed from {model.source}: its answers to attacks "
                "were not recorded, and it cannot be asked"
            )
        new = self.source.examples[len(self.outcomes) : size]
        if new:
            self._attack(model, new)
        examples, before = self.source.examples[:size], self.source.upto(size)
        texts = self.shifted[:size]
        return Trial(
            paired=True,
            drawn=len(examples),
            before=tuple(before),
            after=tuple(self.outcomes[:size]),
            originals=tuple(e.inputs for e in examples),
            shifted=tuple(texts),
            unchanged=sum(text == e.inputs for text, e in zip(texts, examples, strict=True)),
            attacks=tuple(self.results[:size]),
            unheld=sum(self.unheld[:size]),
        )

    def _attack(self, model: Model, examples: Sequence[Example]) -> None:
        labels, engine = self.asker.suite.task.labels, self.asker.engine
        what = f"{self.asker.suite.name}/{self.shift.name}"
        results = self.shift.attack.run(
            lambda inputs: engine.predict(model, inputs, labels, what),
            examples,
            seed=self.seed,
            query_budget=self.shift.query_budget,
        )
        found = [result.inputs for result in results]
        # A model that answers at random turns sooner or later: a success has to hold when the
        # model is asked once more.
        turned = [place for place, result in enumerate(results) if result.success]
        again = self.asker.answers(
            self.shift.name, [examples[p] for p in turned], [found[p] for p in turned], AGAIN
        )
        unheld = {
            place
            for place, answer in zip(turned, again, strict=True)
            if self.asker.suite.task.score(answer, examples[place]) > 0.0
        }
        shifted = [e.inputs if p in unheld else found[p] for p, e in enumerate(examples)]
        self.outcomes += self.asker.outcomes(self.shift.name, examples, shifted)
        self.shifted += shifted
        self.results += [
            replace(result, inputs=inputs, success=False, edits=()) if p in unheld else result
            for p, (result, inputs) in enumerate(zip(results, shifted, strict=True))
        ]
        self.unheld += [place in unheld for place in range(len(examples))]


def mean_outcomes(
    trials: Sequence[Trial], side: Callable[[Trial], Sequence[Outcome]]
) -> tuple[tuple[str, float], ...]:
    """Return (example id, mean score over the trials of a model's seeds)."""
    columns = zip(*(side(trial) for trial in trials), strict=True)
    return tuple((c[0].id, sum(o.score for o in c) / len(c)) for c in columns)
