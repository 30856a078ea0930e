from __future__ import annotations

from typing import Any

import pytest

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.loading.checklist import Checklist
from pytest_ood.perturbations import find
from pytest_ood.shifts import WORST, WORST_DOMAIN, DomainShift, NoiseShift, WorstCase, WorstDomain

DATA = Dataset("data", (Example("0", "a text", "yes"),))


def test_its_parts_are_the_domains_that_count_single_examples() -> None:
    """Neither noise, contrast sets, CheckList suites nor itself are among them."""
    single = [DomainShift("de", DATA), DomainShift("es", DATA, paired=True)]
    others = [
        NoiseShift("swap", find("swap")),
        DomainShift("sets", DATA, scoring="contrast"),
        DomainShift("tests", Checklist(data="tests.jsonl")),
        WorstDomain(),
        WorstCase(),
    ]
    assert WorstDomain().parts([others[0], single[0], *others[1:], single[1]]) == single
    assert WorstDomain().parts(others) == []


def test_it_is_a_domain_shift_without_examples_of_its_own() -> None:
    """It has nothing to draw, to freeze or to perturb."""
    worst = WorstDomain()
    assert (worst.name, worst.kind) == ("worst-domain", "domain") == (WORST_DOMAIN, "domain")
    assert not worst.has_own_examples
    assert not worst.shares_texts
    assert not worst.counts_cases
    assert worst.min_changed == 0
    assert worst.name in WORST


def test_it_has_no_trial_of_its_own() -> None:
    """There are those of its parts alone."""

    class Anywhere:
        where = "here"

    experiment: Any = Anywhere()
    model: Any = None
    with pytest.raises(NotImplementedError, match="worst-domain has no trial of its own: here"):
        WorstDomain().trial(experiment, model)
