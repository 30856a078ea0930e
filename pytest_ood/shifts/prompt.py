"""Attacks on the prompt of the model under test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.edits import apply_edits
from pytest_ood.data.examples import Dataset, Example, inputs_of
from pytest_ood.errors import ConfigurationError, DataError, NotApplicableError, TooLongError
from pytest_ood.inference.engine import check_complete
from pytest_ood.loading.prompts import FIELD_PATTERN
from pytest_ood.metrics import Outcomes
from pytest_ood.models.protocol import is_promptable, is_recorded
from pytest_ood.perturbations.adversarial import Recipe
from pytest_ood.perturbations.adversarial.protocol import WRONG
from pytest_ood.perturbations.protection import Protection
from pytest_ood.shifts._attacks import KEYS as ATTACK_KEYS
from pytest_ood.shifts._attacks import PROMPT, AttackShift, parse_attack
from pytest_ood.shifts.adversarial import askable_model, recorded
from pytest_ood.shifts.protocol import ADVERSARIAL
from pytest_ood.tasks import Prediction, majority_share
from pytest_ood.trials.trial import PromptAttack, Trial
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models.protocol import Model, RecordedModel
    from pytest_ood.perturbations.adversarial import Attack, AttackResult, QueryBudget
    from pytest_ood.shifts.protocol import Declaration, Experiment, SuiteExamples
    from pytest_ood.trials.answer_sets import AnswerSet
    from pytest_ood.trials.predictor import Predictor, SingleModel

WORKS, BROKEN = "works", "broken"
"""The labels of an attacked prompt: whether its answers beat the majority class."""


@dataclass(frozen=True)
class PromptShift(AttackShift):
    """The same examples under a changed prompt: an attack on the template, not on the input.

    Zhu et al. 2023, PromptBench, section 3. The attack searches for a changed prompt on some
    examples; the drop is measured on the others.

    Attributes:
        name: The name in reports.
        attack: The search; the prompt is its text.
        budget: The budget of prompts; trying one takes a query for every search example.
        search_examples: The number of examples that a prompt is tried on.
        max_examples: The most other examples that the drop is measured on; None for all.
    """

    name: str
    attack: Recipe
    budget: QueryBudget
    search_examples: int
    max_examples: int | None = None
    kind: str = ADVERSARIAL

    @property
    def min_changed(self) -> int:
        """0, because the prompt is changed and not the examples."""
        return 0

    def horizon(self, data: SuiteExamples) -> int:
        """Return how many examples are left for measuring the drop.

        Raises:
            DataError: the search leaves none.
        """
        drawn = len(data.examples)
        # The search takes the last examples of the sample.
        size = drawn - self.search_examples
        if size < 1:
            raise DataError(
                f"{data.where}/{self.kind}/{self.name} looks for a prompt on "
                f"{self.search_examples} examples, which leaves none to measure it on; there are "
                f"{drawn}"
            )
        return min(size, self.max_examples or size)

    def trial(self, experiment: Experiment, model: SingleModel) -> PromptTrial:
        """Return the attack on a model's prompt."""
        source = experiment.originals(model)
        return PromptTrial(experiment.predictor(model), self, source, experiment.seed)

    def reason_not_applicable(self, model: Model | RecordedModel) -> str | None:
        """Return why the prompt of a model cannot be attacked; None where it can."""
        if is_recorded(model) or is_promptable(model):
            return recorded(model)
        return f"it has no prompt to attack; it is {model.paradigm}"

    def max_unknown_inputs(self, horizon: int) -> int:
        """Return the most inputs that the search and the measurement take."""
        return self.budget.each * self.search_examples + horizon


@dataclass
class PromptTrial:
    """The same examples under a prompt that an attack changed.

    The attack searches on the last examples of the sample; the drop is measured on the others.
    """

    predictor: Predictor
    shift: PromptShift
    source: AnswerSet
    seed: int
    attacked: tuple[Prompt, AttackResult, Predictor] | None = None

    def extend_to(self, size: int) -> Trial:
        """Return the first `size` examples' trial.

        Raises:
            NotApplicableError: the model has no prompt.
            DataError: the prompt cannot be attacked.
        """
        if self.attacked is None:
            self.attacked = self._attack()
        prompt, result, predictor = self.attacked
        examples = self.source.examples[:size]
        before = self.source.extend_to(size)
        inputs, after = inputs_of(examples), before
        if result.nearest:
            graded = predictor.graded(self.shift.name, examples, inputs)
            after = Outcomes(self.source.examples, before.indices, graded)
        return Trial(
            paired=True,
            drawn=len(examples),
            before=before,
            after=after,
            originals=inputs,
            shifted=inputs,
            prompt=PromptAttack(
                before=prompt.text,
                after=apply_edits(prompt.text, result.nearest),
                tried=result.queries + result.reducing,
                search_examples=self.shift.search_examples,
            ),
        )

    def _attack(self) -> tuple[Prompt, AttackResult, Predictor]:
        model = askable_model(self.predictor.model)
        if not is_promptable(model):
            raise NotApplicableError(
                f"model {model.name!r} has no prompt to attack; it is {model.paradigm}"
            )
        examples = tuple(self.source.examples[-self.shift.search_examples :])
        majority = majority_share(Dataset("search", examples), self.predictor.task)
        prompt = model.prompt
        what = f"{self.predictor.suite}/{self.shift.name}"

        def predictor(text: str) -> Predictor:
            """Return the predictor with another text of the prompt."""
            return replace(self.predictor, model=model.with_prompt(prompt.with_text(text)))

        def answered(text: str) -> Prediction:
            """Return the verdict on a text of the prompt, as one prediction."""
            try:
                trying = replace(predictor(text), count_long=False)
                answers = trying.answers(what, examples, [e.inputs for e in examples])
            except TooLongError as error:
                # The prompt is what is too long for some of the examples.
                raise TooLongError(str(error), [text]) from None
            check_complete(model.name, answers, what)
            return self._verdict_on(examples, answers, majority)

        def query(inputs: Sequence[Inputs]) -> list[Prediction]:
            """Return the verdicts on several texts of the prompt."""
            return [answered(str(text)) for text in inputs]

        # Without its fields and its answer words a prompt cannot work at all: they stay.
        words = tuple(prompt.label_words.values())
        attack = self.shift.attack.keeping(Protection(patterns=(FIELD_PATTERN,), words=words))
        pseudo = [Example("prompt", prompt.text, WORKS)]
        ((_, result),) = attack.run(query, pseudo, seed=self.seed, budget=self.shift.budget)
        if result.skipped:
            why = result.skipped
            if why == WRONG:
                why = (
                    f"on the {len(examples)} search examples it is no better than the most "
                    "frequent label from the start"
                )
            raise DataError(
                f"invalid: {what}: the prompt of {model.name!r} was not attacked: {why}"
            )
        return prompt, result, predictor(apply_edits(prompt.text, result.nearest))

    def _verdict_on(
        self, examples: Sequence[Example], answers: Sequence[Prediction], majority: float
    ) -> Prediction:
        """Return whether a prompt works, as a prediction that the attack can try to turn.

        It works if its mean score is above that of the majority class. Its confidence is the mean
        probability of the right labels, or the mean score where the model gives no probabilities.
        """
        pairs = list(zip(answers, examples, strict=True))
        scores = self.predictor.task.scores(pairs)
        scored = [
            answer.scores.get(example.label, score)
            for (answer, example), score in zip(pairs, scores, strict=True)
        ]
        good = sum(scored) / len(scored)
        label = WORKS if sum(scores) / len(scores) > majority else BROKEN
        return Prediction(label, {WORKS: good, BROKEN: 1.0 - good})


KIND = ADVERSARIAL
KEYS = (*ATTACK_KEYS, "search_examples")
SEARCH_EXAMPLES = 20
"""The default number of examples that a prompt is tried on."""


def takes(declared: Declaration) -> bool:
    """Return whether a table is of an attack on the prompt."""
    return declared.table.get("on") == PROMPT


def parse(declared: Declaration) -> tuple[PromptShift, ...]:
    """Read the table of an attack on the prompt.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    attack, budget, most = parse_attack(declared)
    search = ConfigTable(declared.table, declared.where).count("search_examples", SEARCH_EXAMPLES)
    recipe = _prompt_recipe(attack, declared.table)
    return (PromptShift(declared.name, recipe, budget, search, most),)


def _prompt_recipe(attack: Attack, entry: Mapping[str, Any]) -> Recipe:
    """Return the recipe, refusing keys that do not apply to an attack on the prompt."""
    for key in ("against", "target", "max_queries"):
        if key in entry:
            raise ConfigurationError(f"{key}: an attack on the prompt has none")
    if not isinstance(attack, Recipe):
        raise ConfigurationError(
            f"attack: {attack.name} is no Recipe; only a Recipe can protect a prompt's "
            "fields and label words"
        )
    if not attack.goal.turns:
        raise ConfigurationError(
            f"attack: {attack.name} leaves answers as they are; a prompt that does so is no worse"
        )
    return attack
