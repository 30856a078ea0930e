"""pytest-ood: robustness gates for text models, as a pytest plugin.

Importing this package imports nothing heavy; the names below are loaded when they are used.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ood.assertions import Ood
    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.errors import BudgetExceededError, NotInvariantError, OodError
    from pytest_ood.models.callable import CallableModel
    from pytest_ood.models.fake import FakeModel
    from pytest_ood.perturbations import Perturbation, perturbation
    from pytest_ood.strategies import PerturbedCase, edited, perturbed
    from pytest_ood.tasks import OpenTask, Prediction

__all__ = [
    "BudgetExceededError",
    "CallableModel",
    "Dataset",
    "Example",
    "FakeModel",
    "NotInvariantError",
    "Ood",
    "OodError",
    "OpenTask",
    "Perturbation",
    "PerturbedCase",
    "Prediction",
    "edited",
    "perturbation",
    "perturbed",
]

for _folder in ("perturbations", "suites"):
    # Git writes a symbolic link as a file that holds the path where `core.symlinks` is off, and
    # Python would only say that there is no such module.
    if Path(__file__).with_name(_folder).is_file():
        raise ImportError(
            f"pytest_ood/{_folder} is a file, and has to be a symbolic link to ../{_folder}: this "
            "clone was made without symbolic links. Turn them on (`git config core.symlinks true`; "
            "Windows needs its developer mode), then write the links anew "
            "(`git checkout -- pytest_ood`), or install without `-e`"
        )


def __getattr__(name: str) -> Any:
    """Load a public name from where it lives (PEP 562)."""
    homes = {
        "BudgetExceededError": "errors",
        "CallableModel": "models.callable",
        "Dataset": "data.examples",
        "Example": "data.examples",
        "FakeModel": "models.fake",
        "NotInvariantError": "errors",
        "Ood": "assertions",
        "OodError": "errors",
        "OpenTask": "tasks",
        "Perturbation": "perturbations",
        "PerturbedCase": "strategies",
        "Prediction": "tasks",
        "edited": "strategies",
        "perturbation": "perturbations",
        "perturbed": "strategies",
    }
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-ood")
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{homes[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
