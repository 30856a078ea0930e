"""What becomes of an input when a server fails: every fault of the test server.

Each fault comes once, then for ever, to an input after one that was answered; and for ever from the
start. The columns are those of the OpenAI adapter; the last ones say whether the same becomes of it
by LiteLLM, from a server in OpenAI's form and in Anthropic's. Calls are real, over loopback; only
waits between them take no time.

    python benchmarks/api_faults.py --write docs/apis.md
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _tables import put

from pytest_ood.errors import ModelError

sys.path.append(str(Path(__file__).parent.parent / "tests" / "servers"))

from api_model import Time, model_at
from faulty_server import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faulty_server import FaultyServer

    from pytest_ood.models._api.chat import ChatModel
    from pytest_ood.tasks import Prediction

FAULTS = (
    "429", "429 after 7 s", "429 after an hour", "no quota", "408", "409", "500", "503",
    "503 after 7 s", "529", "slow", "drip", "hang up", "cut-off body", "invalid JSON", "a page",
    "an error in disguise", "error of the choice", "finished by an error", "two choices",
    "no choice", "no message", "content is a number", "nested deeply", "flood", "endless",
    "redirect 307", "empty answer", "tool call",
    "nothing within the limit", "cut at the limit", "refusal", "filtered", "400", "400 filtered",
    "400 too long", "401", "402", "403", "404", "no usage", "reasoning in the content",
)  # fmt: skip
TIMEOUT = 1.0
BY_LITELLM = (f"openai/{MODEL}", f"anthropic/{MODEL}")
"""The models that LiteLLM asks, in the form of either API."""


def model_of(server: FaultyServer, time: Time, **options: Any) -> ChatModel:
    """Return a model on a time of its own, as it is configured by default but for its patience."""
    return model_at(server, time, timeout=TIMEOUT, **options)


def told(answer: Prediction) -> str:
    """Say what came of an input."""
    if answer.error is not None:
        reason = answer.error.partition(" (5 attempts)")[0]
        return f"error: {reason}"
    return "abstention" if answer.label is None else "answered"


def started(model: ChatModel) -> str:
    """Say what comes of a first input."""
    try:
        model.predict(["x"])
    except ModelError:
        return "an error of the model"
    return "the same"


def failing(times: int, fault: str, text: str, call: int) -> str:
    """Return the fault of a call: the first ones of "x" have it, so many times."""
    return fault if text == "x" and call <= times else ""


def cells_of(server: FaultyServer, fault: str, **options: Any) -> list[str]:
    """Return what a fault does to a model at a server."""
    cells: list[str] = []
    for times in (1, 10**9):
        server.forget()
        server.elsewhere = "http://another-server.invalid/v1"
        server.script = partial(failing, times, fault)
        time = Time()
        outcome = told(model_of(server, time, **options).predict(["first", "x"])[1])
        cells += [outcome, f"{server.calls['x']}", f"{time.now:.1f}"]
    return [*cells, started(model_of(server, Time(), **options))]


def compared(cells: list[str], other: list[str]) -> str:
    """Return whether the same became of two models, or what became of the other."""
    if cells == other:
        return "the same"
    once, for_ever = other[0], other[3]
    return once if once == for_ever else f"{once}; for ever: {for_ever}"


def rows(server: FaultyServer, faults: Sequence[str]) -> Iterator[list[str]]:
    """Yield a row for every fault that a server has."""
    for fault in faults:
        cells = cells_of(server, fault)
        others = [
            compared(cells, cells_of(server, fault, kind="litellm", source=source))
            for source in BY_LITELLM
        ]
        if cells[3:6] == cells[:3]:
            cells[3] = "the same"
        yield [fault, *cells, *others]


def moved(model: ChatModel, url: str) -> ChatModel:
    """Return a model whose server has another URL, and no key."""
    server: Any = model.server
    return replace(model, server=replace(server, url=url, key_name=None))


def unreachable(server: FaultyServer) -> Iterator[list[str]]:
    """Yield a row for every way not to reach a server."""
    from processes import free_port

    port = free_port()
    server.script = lambda text, call: ""  # noqa: ARG005 - it never fails
    for name, url in (
        ("connection refused", f"http://127.0.0.1:{port}/v1"),
        ("no such host", "http://no-such-host.invalid/v1"),
        ("TLS refused", server.url.replace("http:", "https:")),
    ):
        time = Time()
        model = model_of(server, time)
        model.predict(["first"])
        gone = moved(model, url)
        later = told(gone.predict(["x"])[0]).replace(str(port), "PORT")
        calls = f"{gone.used.requests - 1}"
        first = started(moved(model_of(server, Time()), url))
        yield [name, "", "", "", later, calls, f"{time.now:.1f}", first, "", ""]


def main() -> None:
    """Measure and print, or write."""
    from faulty_server import serving

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the document whose table to replace")
    parser.add_argument("--only", nargs="+", default=FAULTS, choices=FAULTS, metavar="FAULT")
    arguments = parser.parse_args()
    with serving() as server:
        for source in BY_LITELLM:
            # The first call imports parts of LiteLLM, which takes longer than a call may take here.
            model_at(server, kind="litellm", source=source).predict(["x"])
        table = [
            [
                "fault",
                "once",
                "calls",
                "s",
                "for ever",
                "calls",
                "s",
                "for ever, from the start",
                "LiteLLM",
                "LiteLLM, Anthropic",
            ],
            ["---"] * 10,
            *rows(server, arguments.only),
            *unreachable(server),
        ]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in table)
    if arguments.write:
        put(arguments.write, __file__, f"\n{text}")
    else:
        print(text)


if __name__ == "__main__":
    main()
