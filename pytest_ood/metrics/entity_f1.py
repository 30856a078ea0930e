"""F1 of entities: of all labels together, and of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics.protocol import F1OfCounts
from pytest_ood.tasks.named_entities import NamedEntities, counted

if TYPE_CHECKING:
    from pytest_ood.metrics.outcomes import Outcomes
    from pytest_ood.tasks import Counts, Task

ENTITY_F1 = "entity-f1"


@dataclass(frozen=True)
class EntityF1(F1OfCounts):
    """Micro-averaged F1 of entities whose span and label are right; 0 where there are none.

    As the script conlleval (Tjong Kim Sang and De Meulder 2003, CoNLL-2003, on evaluation) and the
    library seqeval compute it.

    Attributes:
        of_label: The label of the entities that count; "" for all.
    """

    NAME = ENTITY_F1
    RANK = 5

    of_label: str = ""

    @classmethod
    def for_task(cls, task: Task) -> tuple[EntityF1, ...]:
        """Return the F1 of all entities, and of each label's."""
        return tuple(map(cls, ("", *task.entities))) if isinstance(task, NamedEntities) else ()

    @classmethod
    def is_named(cls, name: str) -> bool:
        """Return whether a name is entity-f1, or entity-f1-LABEL."""
        return name == ENTITY_F1 or name.startswith(f"{ENTITY_F1}-")

    @property
    def name(self) -> str:
        """entity-f1, or entity-f1-LABEL."""
        return f"{ENTITY_F1}-{self.of_label}" if self.of_label else ENTITY_F1

    def for_answers(self, before: Outcomes, after: Outcomes) -> EntityF1:
        """Return the metric; both sides need entities that count."""
        for side, outcomes in {"in distribution": before, "under the shift": after}.items():
            truths = outcomes.graded.truth
            pairs = zip(truths.values, truths.counts.tolist(), strict=True)
            if not any(n and self.counts(None, truth).true for truth, n in pairs):
                kind = f"with the label {self.of_label!r}" if self.of_label else "to find"
                raise NotApplicableError(
                    f"{self.name}: in the {len(outcomes)} examples {side} there is no entity "
                    f"{kind}, so that there is no F1 to measure; leave the budget out, or add some"
                )
        return self

    def counts(self, answer: str | None, truth: str) -> Counts:
        """Return the counts of one text."""
        return counted(answer, truth, self.of_label)


METRIC = EntityF1
