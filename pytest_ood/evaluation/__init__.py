"""Measuring drops: a model, a suite, a shift; the verdict; and what it adds up to."""

from pytest_ood.evaluation.answers import difference_of_drops
from pytest_ood.evaluation.attacks import AttackFigures
from pytest_ood.evaluation.curves import SeverityCurve, severity_curves
from pytest_ood.evaluation.family import PROCEDURES, settle_family
from pytest_ood.evaluation.items import Items
from pytest_ood.evaluation.records import (
    Cell,
    Comparison,
    Evaluation,
    Flip,
    Floor,
    LabelCounts,
    PromptAttack,
    Result,
    from_record,
    to_record,
    unparsed,
)
from pytest_ood.evaluation.run import SuiteRun, resources_of, score_of_cases

__all__ = [
    "PROCEDURES",
    "AttackFigures",
    "Cell",
    "Comparison",
    "Evaluation",
    "Flip",
    "Floor",
    "Items",
    "LabelCounts",
    "PromptAttack",
    "Result",
    "SeverityCurve",
    "SuiteRun",
    "difference_of_drops",
    "from_record",
    "resources_of",
    "score_of_cases",
    "settle_family",
    "severity_curves",
    "to_record",
    "unparsed",
]
