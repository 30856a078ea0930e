"""Domain shift: other examples, from another distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pytest_ood.data.examples import inputs_of
from pytest_ood.data.lazy import Subset
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.loading.cases import Case
from pytest_ood.loading.checklist import KEYS as CHECKLIST_KEYS
from pytest_ood.loading.checklist import Checklist, parse_checklist
from pytest_ood.loading.readers import SOURCE_KEYS, DataSource, parse_source
from pytest_ood.metrics import SINGLE_ACCURACY
from pytest_ood.shifts.protocol import DOMAIN, Shift
from pytest_ood.tasks import merged_task
from pytest_ood.trials.answer_sets import AnswerSet, CaseAnswerSet
from pytest_ood.trials.trial import Trial
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.examples import Dataset
    from pytest_ood.loading.readers import DataSource
    from pytest_ood.metrics import Outcomes
    from pytest_ood.shifts.protocol import Declaration, Experiment, SuiteExamples
    from pytest_ood.trials.predictor import SingleModel

Scoring = Literal["example", "contrast"]
SCORINGS: tuple[Scoring, ...] = ("contrast", "example")


@dataclass(frozen=True)
class DomainShift(Shift):
    """Other examples, from another distribution.

    Attributes:
        name: The name in reports.
        source: The data source of the examples; those of a CheckList suite are cases.
        train: Training data of the same domain, or None. The score of a baseline trained on it
            tells a hard domain from a model that does not generalise.
        merge: The coarser label for each label that the examples do not tell apart: answers are
            merged before they are scored (McCoy et al. 2019, Right for the Wrong Reasons, section
            4). Empty where the labels are those of the suite.
        paired: Whether these are the same examples as in distribution, by id, in another form;
            drops are then paired.
        scoring: Whether each example is scored, or contrast sets: groups of examples that are
            right if all of them are.
    """

    name: str
    source: DataSource | Dataset | Checklist
    train: DataSource | None = None
    merge: Mapping[str, str] = field(default_factory=dict)
    paired: bool = False
    scoring: Scoring = "example"
    kind: str = DOMAIN

    @property
    def own_source(self) -> DataSource | Dataset | Checklist:
        """The data source of the examples."""
        return self.source

    @property
    def is_paired(self) -> bool:
        """Whether the examples are the same as in distribution, in another form."""
        return self.paired

    @property
    def counts_cases(self) -> bool:
        """Whether several inputs are scored as one case."""
        return self.scoring == "contrast" or isinstance(self.source, Checklist)

    @property
    def min_changed(self) -> int:
        """0, because other examples are not changed ones."""
        return 0

    @property
    def coarser_labels(self) -> Mapping[str, str]:
        """The coarser label of each label that is merged."""
        return self.merge

    @property
    def training_data(self) -> DataSource | None:
        """The training data of the domain."""
        return self.train

    def horizon(self, data: SuiteExamples) -> int:
        """Return the size of the smaller set."""
        return min(len(data.examples), len(data.target(self)))

    def trial(self, experiment: Experiment, model: SingleModel) -> DomainTrial:
        """Return the answers to the other examples, or to the cases."""
        source = experiment.originals(model)
        merging = replace(experiment.predictor(model), merge=self.merge)
        targets = experiment.target(self).examples
        if self.counts_cases:
            cases = [case for case in targets if isinstance(case, Case)]
            return DomainTrial(source, CaseAnswerSet(merging, cases, self.name))
        return DomainTrial(source, AnswerSet(merging, targets, self.name), self.paired)

    def measures_of_cases(self, trials: Sequence[Trial]) -> tuple[tuple[str, float], ...]:
        """Return the accuracy of single answers to contrast sets, besides their consistency."""
        if self.scoring != "contrast":
            return ()
        decided = [one for trial in trials for one in trial.decided or ()]
        share = sum(one.right for one in decided) / sum(one.total for one in decided)
        return ((SINGLE_ACCURACY, share),)


@dataclass
class DomainTrial:
    """Other examples than in distribution, or the same examples in another form.

    Attributes:
        source: The answers in distribution.
        target: The answers under the shift; of a paired shift in the same order.
        paired: Whether both are the same examples.
    """

    source: AnswerSet
    target: AnswerSet | CaseAnswerSet
    paired: bool = False

    def extend_to(self, size: int) -> Trial:
        """Return the trial on the first `size` of both sets; past the shorter's end, on all."""
        sides = (self.target, self.source)
        whole = size >= min(len(side.examples) for side in sides)
        after, before = (side.extend_to(len(side.examples) if whole else size) for side in sides)
        return Trial(
            paired=self.paired,
            drawn=len(before),
            before=before,
            after=after,
            originals=inputs_of(self.source.examples[: len(after)]) if self.paired else None,
            shifted=inputs_of(Subset(self.target.examples, after.indices)),
            **self._of_cases(after, len(self.target.examples) if whole else size),
        )

    def _of_cases(self, after: Outcomes, size: int) -> dict[str, Any]:
        """Return the fields that only trials of cases have."""
        if not isinstance(self.target, CaseAnswerSet):
            return {}
        return {
            "decided": self.target.decided[: len(after)],
            "left_out": self.target.left_out(size),
        }


KIND = DOMAIN
KEYS = (*SOURCE_KEYS, "train", "merge", "paired", "scoring", *CHECKLIST_KEYS)


def parse(declared: Declaration) -> tuple[DomainShift, ...]:
    """Parse the table of a domain shift: other data, contrast sets, or a CheckList suite.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    name, entry, where = declared.name, declared.table, declared.where
    task, in_distribution = declared.task, declared.source
    if "checklist" in entry:
        return (DomainShift(name, parse_checklist(entry, in_distribution.fields, where)),)
    for key in entry:
        if key in CHECKLIST_KEYS and key not in SOURCE_KEYS:
            raise ConfigurationError(f"{key}: it goes with `checklist`, a file of tests")
    source = {key: value for key, value in entry.items() if key in SOURCE_KEYS}
    table = ConfigTable(entry, where)
    merge = table.subtable("merge")
    for label in merge:
        if label not in task.labels:
            raise ConfigurationError("merge: " + unknown_name("label", label, task.labels))
    for coarse in merge.values():
        if not isinstance(coarse, str) or not coarse:
            raise ConfigurationError(f"merge: {coarse!r} is no label")
    test = parse_source(source, where, in_distribution)
    shift = DomainShift(
        name=name,
        source=test,
        train=_train(entry, source, test, where),
        merge=dict(merge),
        paired=table.flag("paired", default=False),
        scoring=_scoring(entry),
    )
    try:
        merged_task(task, shift.merge)
    except ConfigurationError as error:
        raise ConfigurationError(f"merge: what is left: {error}") from None
    if merge and shift.train is not None:
        raise ConfigurationError(
            "train: the baseline would be trained on other labels than it is compared in; leave "
            "out `train`, or `merge`"
        )
    return (shift,)


def _scoring(entry: Mapping[str, Any]) -> Scoring:
    """Parse `scoring`: whether examples or contrast sets are scored."""
    scoring = entry.get("scoring", "example")
    if scoring not in SCORINGS:
        raise ConfigurationError("scoring: " + unknown_name("scoring", str(scoring), SCORINGS))
    if scoring == "contrast" and "train" in entry:
        raise ConfigurationError(
            "train: a baseline that is trained on the target is compared example by example; take "
            'a shift of its own for it, without scoring = "contrast"'
        )
    if scoring == "contrast" and entry.get("paired"):
        raise ConfigurationError(
            "paired: contrast sets are no examples in another form; leave out `paired`, or "
            'scoring = "contrast"'
        )
    if scoring == "contrast" and "group" not in entry:
        raise ConfigurationError(
            'scoring = "contrast" needs `group`, the column that says which examples are one set'
        )
    return "contrast" if scoring == "contrast" else "example"


def _train(
    entry: Mapping[str, Any], source: Mapping[str, Any], test: DataSource, where: str
) -> DataSource | None:
    """Parse the training data of a domain; its columns default to those of the test data."""
    train = entry.get("train")
    if train is None:
        return None
    columns = {k: v for k, v in source.items() if k in ("fields", "label", "labels")}
    table = train if isinstance(train, Mapping) else {"data": train}
    return parse_source({**columns, **table}, f"{where}: train", test)
