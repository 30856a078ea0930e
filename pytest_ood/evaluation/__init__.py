"""Measuring drops: a model, a suite, a shift; the verdict; and what it adds up to."""

from pytest_ood.evaluation.attacks import AttackFigures
from pytest_ood.evaluation.case_scores import score_of_cases
from pytest_ood.evaluation.curves import SeverityCurve, severity_curves
from pytest_ood.evaluation.data import resources_of
from pytest_ood.evaluation.evaluator import SuiteEvaluator
from pytest_ood.evaluation.family import PROCEDURES, settle_family
from pytest_ood.evaluation.items import Items
from pytest_ood.evaluation.paradigm_comparison import difference_of_drops
from pytest_ood.evaluation.records import (
    Cell,
    Comparison,
    Evaluation,
    Flip,
    Floor,
    LabelCounts,
    Result,
    from_record,
    to_record,
    unparsed,
)
from pytest_ood.trials.trial import PromptAttack

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
    "SuiteEvaluator",
    "difference_of_drops",
    "from_record",
    "resources_of",
    "score_of_cases",
    "settle_family",
    "severity_curves",
    "to_record",
    "unparsed",
]
