"""A model behind a server: inputs become questions, and their outcomes predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ood.data.inputs import canonical
from pytest_ood.models._api.asking import Account, Missing, Patience, Question, Server, ask
from pytest_ood.models.protocol import Usage
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models._api.outcomes import Reply
    from pytest_ood.models.protocol import Paradigm
    from pytest_ood.tasks import Task
    from pytest_ood.utils.redaction import Secrets

OTHERS_SHOWN = 3
"""The most models that a remark names."""


@dataclass(frozen=True, kw_only=True)
class RemoteModel(ABC):
    """A model behind a server, one question an input, or several.

    If a reply is missing, the prediction has an `error`.

    Attributes:
        name: The model's name in reports.
        server: The server.
        task: Parses answers.
        patience: Attempts, time limits and concurrency.
        account: The usage and the pace, shared by all models of one table.
        paradigm: The paradigm in reports.
    """

    name: str
    server: Server
    task: Task
    patience: Patience
    account: Account = field(repr=False)
    paradigm: Paradigm = "other"

    @property
    def samples(self) -> int:
        """The number of questions for one input."""
        return 1

    @abstractmethod
    def question(self, inputs: Inputs, number: int) -> Question:
        """Return a question for an input.

        Args:
            inputs: The input.
            number: The number of the question for the same input, from 0.
        """

    @abstractmethod
    def prediction(self, inputs: Inputs, replies: Sequence[Reply]) -> Prediction:
        """Return the prediction for an input from the replies to its questions, in their order."""

    @property
    def secrets(self) -> Secrets:
        """The key and other credentials, which no output may contain."""
        return self.server.secrets

    @property
    def used(self) -> Usage:
        """The usage by this process.

        A call whose answer was lost, or has no usage, counts at its upper bounds.
        """
        return self.account.ledger.used(self.name)

    @property
    def notes(self) -> tuple[str, ...]:
        """A remark if the server reports that another model answered."""
        others = sorted(self.account.others)
        if not others:
            return ()
        listed = ", ".join(repr(name) for name in others[:OTHERS_SHOWN])
        more = f" and {len(others) - OTHERS_SHOWN} more" if len(others) > OTHERS_SHOWN else ""
        return (
            f"{self.name}: asked for the model {self.server.model!r}, the server says that "
            f"{listed}{more} answered; the figures are of what answered",
        )

    def estimate(self, inputs: Sequence[Inputs]) -> Usage:
        """Return an upper bound of the usage for these inputs, without repeated attempts.

        A token has one byte or more, so that a prompt's bytes bound its tokens; for English the
        bound is about four times the actual number.
        """
        unique = {canonical(value): value for value in inputs}.values()
        questions = [self.question(v, number) for v in unique for number in range(self.samples)]
        prompts = sum(question.size for question in questions)
        answers = sum(question.completion for question in questions)
        return self.account.ledger.priced(
            Usage(requests=len(questions), prompt_tokens=prompts, completion_tokens=answers)
        )

    def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
        """Yield (index, prediction) as answers come; equal inputs are sent once.

        Raises:
            MissingDependencyError: the client is not installed.
            ModelError: there is no key; or the server has never answered, and cannot be reached,
                rejects the key, has no such model or refuses the request.
        """
        indices: dict[str, list[int]] = {}
        for index, value in enumerate(inputs):
            indices.setdefault(canonical(value), []).append(index)
        rows, samples = list(indices.values()), self.samples
        questions = [
            self.question(inputs[row[0]], number) for row in rows for number in range(samples)
        ]
        outcomes = ask(self.name, questions, self.server, self.account, self.patience)
        came: dict[int, dict[int, Reply | Missing]] = {}
        # Closing cancels the calls under way at once, not when the garbage is collected.
        with closing(outcomes):
            for number, outcome in outcomes:
                row, sample = divmod(number, samples)
                replies = came.setdefault(row, {})
                replies[sample] = outcome
                if len(replies) == samples:
                    del came[row]
                    prediction = self._predicted(
                        inputs[rows[row][0]], [replies[index] for index in sorted(replies)]
                    )
                    for index in rows[row]:
                        yield index, prediction

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer every input, in order.

        Raises:
            ModelError: as `stream`.
        """
        answers = dict(self.stream(inputs))
        return [answers[index] for index in range(len(inputs))]

    def _predicted(self, inputs: Inputs, outcomes: Sequence[Reply | Missing]) -> Prediction:
        """Return the prediction for an input from its outcomes; an error if a reply is missing."""
        replies = [outcome for outcome in outcomes if not isinstance(outcome, Missing)]
        missing = [outcome.reason for outcome in outcomes if isinstance(outcome, Missing)]
        if missing:
            return Prediction(None, error=missing[0])
        return self.prediction(inputs, replies)
