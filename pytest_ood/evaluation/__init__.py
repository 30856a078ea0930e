"""Measuring drops: a model, a suite, a shift; the verdict; and what it adds up to."""

from pytest_ood.evaluation.attacks import AttackFigures
from pytest_ood.evaluation.case_scores import score_of_cases
from pytest_ood.evaluation.curves import SeverityAccuracy, SeverityCurve, severity_curves
from pytest_ood.evaluation.data import resources_of
from pytest_ood.evaluation.evaluator import SuiteEvaluator
from pytest_ood.evaluation.example_scores import ExampleScores
from pytest_ood.evaluation.multiple_testing import PROCEDURES, adjust_verdicts
from pytest_ood.evaluation.paradigm_comparison import difference_of_drops
from pytest_ood.evaluation.records import (
    AttackDetails,
    CaseDetails,
    Comparison,
    DomainDetails,
    Evaluation,
    Flip,
    Floor,
    GroupScore,
    LabelCounts,
    ModelInfo,
    PerturbationDetails,
    PromptAttackDetails,
    Result,
    ScorePair,
    WorstDetails,
    from_record,
    to_record,
)
from pytest_ood.trials.trial import PromptAttack

__all__ = [
    "PROCEDURES",
    "AttackDetails",
    "AttackFigures",
    "CaseDetails",
    "Comparison",
    "DomainDetails",
    "Evaluation",
    "ExampleScores",
    "Flip",
    "Floor",
    "GroupScore",
    "LabelCounts",
    "ModelInfo",
    "PerturbationDetails",
    "PromptAttack",
    "PromptAttackDetails",
    "Result",
    "ScorePair",
    "SeverityAccuracy",
    "SeverityCurve",
    "SuiteEvaluator",
    "WorstDetails",
    "adjust_verdicts",
    "difference_of_drops",
    "from_record",
    "resources_of",
    "score_of_cases",
    "severity_curves",
    "to_record",
]
