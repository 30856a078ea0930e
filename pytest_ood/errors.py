"""The exceptions of this package, in one hierarchy.

OodError
├── ConfigurationError      a wrong name, key or value: a usage error, exit status 4
├── DataError               a data file, a row or a field that cannot be used
├── AssetError              a packaged model or data set that is not there and cannot be fetched
├── PerturbationError       a perturbation of the user's that raises, or returns what it must not
├── NotApplicableError      a check that makes no sense for a model: skipped, with the reason
├── ModelError              a model that cannot be loaded, or answers what it must not answer
│   ├── TooLongError        inputs that do not fit into a model's window
│   └── ModelRaisedError    a model that raises for most of what it is asked
└── MissingDependencyError  an optional package; the message names the pip command

BudgetExceededError (an AssertionError) is what a custom assertion raises when a budget is not met,
NotInvariantError (another) when a model answers an edited text otherwise than the original.
"""

from __future__ import annotations

import difflib
import importlib
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import FrameType

    # Of a layer above: `Inputs` of `data.inputs`, written out.
    Inputs = str | Mapping[str, str]

_PACKAGE = str(Path(__file__).parent)
_LIBRARY = f"{Path(traceback.__file__).parent}{os.sep}"


class OodError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(OodError):
    """A name, key or value in the configuration or on the command line is wrong."""


class DataError(OodError):
    """A data file, a row or a field cannot be used."""


class AssetError(OodError):
    """A packaged model or data set is missing and cannot be fetched."""


class ModelError(OodError):
    """A model cannot be loaded, or gave an answer it must not give."""


class TooLongError(ModelError):
    """Inputs do not fit into a model's window.

    Attributes:
        inputs: The inputs.
        reason: The reason that reports give for each of them.
    """

    def __init__(
        self,
        message: str,
        inputs: Sequence[Inputs],
        reason: str = "it does not fit the model's window",
    ) -> None:
        super().__init__(message)
        self.inputs = tuple(inputs)
        self.reason = reason

    def __reduce__(self) -> tuple[type[TooLongError], tuple[str, tuple[Inputs, ...], str]]:
        """Let the error come back from another process with its inputs."""
        return type(self), (str(self), self.inputs, self.reason)


class ModelRaisedError(ModelError):
    """A model raises for most of its inputs; its own exception is the cause.

    Attributes:
        model: The model's name.
        inputs: The last input for which it raised.
        reason: The exception, as one line.
        counts: The number of inputs for which it raised, and the number of all inputs.
        input_id: The id of the input's example; "" if it has none.
    """

    def __init__(
        self,
        model: str,
        inputs: Inputs,
        reason: str,
        counts: tuple[int, int],
        input_id: str = "",
    ) -> None:
        failed, total = counts
        named = repr(input_id) if input_id else shown(inputs)
        super().__init__(
            f"model {model!r} raised for {failed} of {total} inputs, the last being {named}: "
            f"{reason}"
        )
        self.model, self.inputs, self.reason = model, inputs, reason
        self.counts, self.input_id = counts, input_id

    def __reduce__(self) -> tuple[type[ModelRaisedError], tuple[Any, ...]]:
        """Let the error come back from another process with its inputs."""
        return type(self), (self.model, self.inputs, self.reason, self.counts, self.input_id)


class PerturbationError(OodError):
    """A user's perturbation raised, or returned a wrong value.

    Attributes:
        perturbation: The perturbation's name.
        text: The text that it was called with.
        fault: A clause on what it raised or returned, and what is allowed.
        example_id: The id of the text's example; "" if it is not known.
    """

    def __init__(self, perturbation: str, text: str, fault: str, example_id: str = "") -> None:
        named = f"example {example_id!r}" if example_id else f"the text {shown(text)}"
        super().__init__(f"perturbation {perturbation!r}: for {named} it {fault}")
        self.perturbation, self.text, self.fault = perturbation, text, fault
        self.example_id = example_id

    def __reduce__(self) -> tuple[type[PerturbationError], tuple[str, str, str, str]]:
        """Let the error come back from another process."""
        return type(self), (self.perturbation, self.text, self.fault, self.example_id)

    def of_example(self, example_id: str) -> PerturbationError:
        """Return the same error with the id of the example."""
        return type(self)(self.perturbation, self.text, self.fault, example_id)


class ReportError(OodError):
    """A report of an earlier run cannot be read, or compared with."""


class NotApplicableError(OodError):
    """A check makes no sense for a model, such as an attack on recorded answers."""


class MissingDependencyError(OodError):
    """An optional package is not installed."""


class BudgetExceededError(AssertionError):
    """A custom assertion's budget is not met."""


class NotInvariantError(AssertionError):
    """A model's answer to an edited text differs from that to the original."""


LONGEST_SHOWN = 80
"""Characters of a value that a message shows."""

MOST_NAMES = 200
"""Names that a message lists, and that are compared with a wrong one."""


def unknown_name(kind: str, name: str, allowed: Iterable[str]) -> str:
    """Return the message for a wrong name: the name, the nearest right ones, all right ones."""
    names = sorted(set(allowed))
    nearest = near_names(name, names)
    guess = f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
    listed = [beginning(allowed_name) for allowed_name in names[:MOST_NAMES]]
    if len(names) > MOST_NAMES:
        listed.append(f"and {len(names) - MOST_NAMES:,} more")
    return f"unknown {kind} {shown(name)}.{guess} Known: {', '.join(listed) or 'none'}."


def near_names(wrong: str, names: Iterable[str]) -> list[str]:
    """Return the names that are most similar to a wrong one, regardless of case.

    The cost grows with the product of the lengths, so very long names are not compared; names of
    two letters are compared with their case.
    """
    if len(wrong) > LONGEST_SHOWN:
        return []
    fold = str.casefold if len(wrong) > 2 else str  # noqa: PLR2004 - see above
    folded: dict[str, list[str]] = {}
    for candidate in [candidate for candidate in names if len(candidate) <= LONGEST_SHOWN][
        :MOST_NAMES
    ]:
        folded.setdefault(fold(candidate), []).append(candidate)
    matches = difflib.get_close_matches(fold(wrong), folded, n=3, cutoff=0.5)
    return [candidate for match in matches for candidate in folded[match]]


def shown(value: object) -> str:
    """Return a value as messages show it: its repr, shortened if it is long."""
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return f"{value[:LONGEST_SHOWN]!r}... ({len(value):,} characters)"
    if isinstance(value, str):
        return repr(value)
    try:
        # Tables of pandas and arrays of numpy have many lines.
        return beginning(" ".join(repr(value).split()))
    except Exception:  # noqa: BLE001 - an object of the user's, or a number too long to be written
        return f"something of type {type(value).__name__}"


def beginning(text: str) -> str:
    """Return a text, or the beginning and the length of a long one.

    Lone surrogates, which no encoding can carry, are written as escapes.
    """
    start = text[:LONGEST_SHOWN].encode("utf-8", "backslashreplace").decode()
    return start if len(text) <= LONGEST_SHOWN else f"{start}... ({len(text):,} characters)"


def require(module: str, *, extra: str, purpose: str) -> Any:
    """Import an optional dependency; the error names the pip command that installs it.

    Raises:
        MissingDependencyError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingDependencyError(
            f"{purpose} needs the package {module.partition('.')[0]!r}, which is not installed. "
            f'Run: pip install "pytest-ood[{extra}]"'
        ) from None


def words_of(error: BaseException, most: int = 300) -> str:
    """Return an exception's type and message as one line of at most `most` characters.

    This function never raises.
    """
    try:
        words = str(error)
    except Exception:  # noqa: BLE001 - whatever its own code raises
        words = "its words cannot be shown"
    return one_line(
        f"{type(error).__name__}: {words}" if words.strip() else type(error).__name__, most
    )


def reason_of(error: BaseException) -> str:
    """Return an exception's type and message as one line, with the user's line that raised it."""
    for frame, line in reversed([*traceback.walk_tb(error.__traceback__)]):
        path = _own_file(frame)
        if path is not None:
            return f"{words_of(error)} ({path.name}:{line})"
    return words_of(error)


def user_line_of(frame: FrameType | None) -> str:
    """Return the line of the user's code that is running, such as `my_models.py:3`, or "".

    Args:
        frame: The innermost frame to consider.
    """
    while frame is not None:
        path = _own_file(frame)
        if path is not None:
            return f"{path.name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _own_file(frame: FrameType) -> Path | None:
    """Return the file of a frame, unless it is Python's, a library's or this package's."""
    name = frame.f_code.co_filename
    path = Path(name)
    if name.startswith((_PACKAGE, _LIBRARY)) or not path.is_file():
        return None
    return None if {"site-packages", "dist-packages"} & {*path.parts} else path


def without_own_frames(error: BaseException) -> BaseException:
    """Return an exception with a traceback that begins outside of this package, if any does."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    return error if trace is None else error.with_traceback(trace)


def one_line(text: str, most: int) -> str:
    """Return a text as one line, cut where it is longer; what a library says may quote an input."""
    line = " ".join(part for line in text.splitlines() if (part := line.strip()))
    return line if len(line) <= most else f"{line[:most]}..."
