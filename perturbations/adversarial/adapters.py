"""Attacks of other libraries: TextAttack's recipes, and OpenAttack's attackers, for suites.

They run one example at a time, as those libraries do, on the field that recipes attack, too. The
same query meter counts their queries and enforces the budget, and a success is confirmed like any
other. TextAttack cannot be installed beside transformers 5: give it an environment of
its own, for models that need none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.data.edits import edits_between
from pytest_ood.data.inputs import fields_of, with_fields
from pytest_ood.errors import ConfigurationError, require, unknown_name
from pytest_ood.perturbations.adversarial.protocol import (
    TOO_LONG,
    USED_UP,
    WRONG,
    AttackResult,
    attacked_field,
)
from pytest_ood.perturbations.adversarial.query_meter import QueryMeter
from pytest_ood.utils.seeding import generator, seeded_globals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.perturbations.adversarial.protocol import Query, QueryBudget
    from pytest_ood.tasks import Prediction

Scores = list[list[float]]
Ask = Callable[[Sequence[str]], Scores]
"""The model as other libraries see it: texts in, a row of probabilities over the labels out."""


class _NothingLeftError(Exception):
    """Ends an attack whose queries are used up, or whose text grew too long."""


class _Attacker(Protocol):
    def __call__(self, ask: Ask, text: str, *, label: int, each: int) -> str | None:
        """Return the adversarial text, or None."""
        ...


@dataclass(frozen=True, kw_only=True)
class ForeignAttack:
    """An attack of another library.

    Attributes:
        name: The name in reports.
        fingerprint: Library, version and the attack's own description.
        labels: The labels of the task, in the order of their indices.
        attacker: Attacks one example.
    """

    name: str
    fingerprint: str
    labels: tuple[str, ...]
    attacker: _Attacker = field(repr=False)

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, budget: QueryBudget
    ) -> Iterator[tuple[int, AttackResult]]:
        """Attack one example after the other.

        Raises:
            ConfigurationError: an example has a label that is not among the attack's.
        """
        meter = QueryMeter(query, budget)
        for index, example in enumerate(examples):
            if example.label not in self.labels:
                raise ConfigurationError(
                    f"attack {self.name}: " + unknown_name("label", example.label, self.labels)
                )
            if not meter.admits():
                yield (
                    index,
                    AttackResult(inputs=example.inputs, success=False, queries=0, skipped=USED_UP),
                )
                continue
            meter.open(index)
            result = self._attack(meter, index, example, seed)
            meter.close(index, success=result.success)
            yield index, result

    def _attack(self, meter: QueryMeter, index: int, example: Example, seed: int) -> AttackResult:
        ((answer,),) = meter.ask([(index, [example.inputs])])
        right = answer is not None and answer.label == example.label
        if not right:
            skipped = TOO_LONG if answer is None else WRONG
            return AttackResult(
                inputs=example.inputs, success=False, queries=1, answer=answer, skipped=skipped
            )

        name = attacked_field(example)

        def with_text(text: str) -> Inputs:
            """Return the inputs with another text in the attacked field."""
            return with_fields(example.inputs, {name: text})

        def ask(texts: Sequence[str]) -> Scores:
            """Return the scores of texts, counted against the query budget."""
            (answers,) = meter.ask([(index, [with_text(text) for text in texts])])
            return [self._row(reply, example.label) for reply in answers]

        original = fields_of(example.inputs)[name]
        with seeded_globals(generator(seed, self.name, example.id)):
            try:
                adversarial = self.attacker(
                    ask, original, label=self.labels.index(example.label), each=meter.budget.search
                )
            except _NothingLeftError:
                adversarial = None
        changed_answer = (
            None if adversarial is None else meter.ask([(index, [with_text(adversarial)])])[0][0]
        )
        queries = meter.queries(index)
        if adversarial is None or changed_answer is None or changed_answer.label == example.label:
            return AttackResult(
                inputs=example.inputs, success=False, queries=queries, answer=answer
            )
        edits = edits_between(original, adversarial)
        return AttackResult(
            inputs=with_text(adversarial),
            success=True,
            queries=queries,
            answer=changed_answer,
            edits=edits,
            nearest=edits,
        )

    def _row(self, answer: Prediction | None, right: str) -> list[float]:
        """Return an answer as probabilities; without scores, 1 for the answered label."""
        if answer is None:
            raise _NothingLeftError
        scores = answer.scores or {answer.label or "": 1.0}
        row = [float(scores.get(label, 0.0)) for label in self.labels]
        if not sum(row):
            # An abstention is any label but the right one.
            row = [float(label != right) for label in self.labels]
        return [value / sum(row) for value in row]


def from_textattack(recipe: Any, labels: Sequence[str], name: str = "") -> ForeignAttack:
    """Convert a recipe of TextAttack (Morris et al. 2020) to an attack.

    Args:
        recipe: A recipe class, such as `textattack.attack_recipes.PWWSRen2019`, or an
            `textattack.Attack`, whose model is replaced while it runs.
        labels: The labels of the task, in the order of their indices.
        name: The name in reports; "" for the recipe's own.

    Raises:
        MissingDependencyError: TextAttack is not installed.
        ConfigurationError: it is neither.
    """
    textattack = require("textattack", extra="textattack", purpose="an attack of TextAttack")

    base = textattack.models.wrappers.ModelWrapper

    class Wrapper(base):  # type: ignore[misc,valid-type] # untyped
        """The model as TextAttack calls it."""

        def __init__(self, ask: Ask | None) -> None:
            self.model = ask

        def __call__(self, text_input_list: Sequence[str]) -> Any:
            import numpy as np

            assert self.model is not None, "unreachable because it is set before it is asked"  # noqa: S101 - says why
            return np.array(self.model(text_input_list))

    own = getattr(recipe, "__name__", type(recipe).__name__)
    attack = recipe.build(Wrapper(None)) if hasattr(recipe, "build") else recipe
    if not isinstance(attack, textattack.Attack):
        raise ConfigurationError(
            f"{recipe!r} is neither a recipe class of TextAttack's nor a textattack.Attack"
        )

    def attacker(ask: Ask, text: str, *, label: int, each: int) -> str | None:
        """Return the adversarial text that TextAttack finds, or None."""
        goal = attack.goal_function
        before = goal.model, goal.query_budget
        goal.model, goal.query_budget = Wrapper(ask), each
        attack.clear_cache()
        try:
            result = attack.attack(text, label)
        finally:
            goal.model, goal.query_budget = before
        if not isinstance(result, textattack.attack_results.SuccessfulAttackResult):
            return None
        return str(result.perturbed_result.attacked_text.tokenizer_input)

    description = " ".join(repr(attack).split())
    fingerprint = _fingerprint("textattack", f"{own}({description})", labels)
    return ForeignAttack(
        name=name or f"textattack-{own}",
        fingerprint=fingerprint,
        labels=tuple(labels),
        attacker=attacker,
    )


def _fingerprint(library: str, attack: str, labels: Sequence[str]) -> str:
    return f"{library} {metadata.version(library)}: {attack}, labels {', '.join(labels)}"


def from_openattack(attacker: Any, labels: Sequence[str], name: str = "") -> ForeignAttack:
    """Convert an attacker of OpenAttack (Zeng et al. 2021) to an attack.

    Args:
        attacker: A classification attacker, such as `OpenAttack.attackers.PWWSAttacker()`.
        labels: The labels of the task, in the order of their indices.
        name: The name in reports; "" for that of the attacker's class.

    Raises:
        MissingDependencyError: OpenAttack is not installed.
        ConfigurationError: it is no such attacker.
    """
    openattack = require("OpenAttack", extra="openattack", purpose="an attack of OpenAttack")
    if not isinstance(attacker, openattack.attackers.ClassificationAttacker):
        raise ConfigurationError(f"{attacker!r} is no classification attacker of OpenAttack's")

    base = openattack.Classifier

    def attack(ask: Ask, text: str, *, label: int, each: int) -> str | None:
        """Return the adversarial text that OpenAttack finds, or None."""
        del label, each

        class Victim(base):  # type: ignore[misc,valid-type] # untyped
            """The model as OpenAttack calls it."""

            def get_prob(self, texts: Sequence[str]) -> Any:
                """Return the scores of texts."""
                import numpy as np

                return np.array(ask(texts))

            def get_pred(self, texts: Sequence[str]) -> Any:
                """Return the indices of the best labels of texts."""
                return self.get_prob(texts).argmax(axis=1)

        adversarial = attacker(Victim(), {"x": text})
        return None if adversarial is None else str(adversarial)

    own = type(attacker).__name__
    settings = sorted(
        f"{key}={value!r}"
        for key, value in vars(attacker).items()
        if isinstance(value, str | int | float)
    )
    fingerprint = _fingerprint("OpenAttack", f"{own}({', '.join(settings)})", labels)
    return ForeignAttack(
        name=name or f"openattack-{own}",
        fingerprint=fingerprint,
        labels=tuple(labels),
        attacker=attack,
    )
