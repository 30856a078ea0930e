"""A model at the faulty server, on a time that passes only by waiting for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faulty_server import MODEL

from pytest_ood.data.examples import Dataset
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    import pytest
    from faulty_server import FaultyServer

    from pytest_ood.models._api.chat import ChatModel

TASK = Classification(("negative", "positive"))


@dataclass
class Time:
    """Time that passes only by waiting for it."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass, and others do something."""
        self.waits.append(seconds)
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def model_at(
    server: FaultyServer, time: Time | None = None, *, kind: str = "openai", **options: Any
) -> ChatModel:
    """Return a model at a server, as it is configured by default but for some options.

    Args:
        server: The server.
        time: Passes only by waiting for it.
        kind: The adapter; of `litellm`, the model is one of Anthropic's.
        options: Of the adapter, or of the context.
    """
    clock = Time() if time is None else time
    context = Context(
        name="model",
        task=options.pop("task", TASK),
        root=Path(),
        cache=Path(),
        offline=True,
        progress=Silent(),
        data=lambda _: lambda: Dataset("none", ()),
    )
    source = options.pop("source", MODEL if kind == "openai" else f"anthropic/{MODEL}")
    # LiteLLM takes the address of Anthropic's API without the version.
    url = server.url.removesuffix("/v1") if source.startswith("anthropic/") else server.url
    options = {"prompt": "{text}", "base_url": url, **options}
    model: ChatModel = adapter(kind).build(source, context, **options)
    return replace(model, patience=replace(model.patience, sleep=clock.sleep, clock=clock.clock))


def with_assistant(
    project: pytest.Pytester, url: str, api_key: str, model: str = f"openai:{MODEL}"
) -> pytest.Pytester:
    """Put a model behind an API into a project, beside the fake that is its baseline."""
    path = project.path / "pyproject.toml"
    fakes = path.read_text().partition("[tool.pytest_ood.models.frail]")[0]
    path.write_text(
        f"""{fakes}
[tool.pytest_ood.models.assistant]
prompted = "{model}"
prompt = "{{text}}"
base_url = "{url}"
api_key = "{api_key}"
attempts = 1
"""
    )
    return project
