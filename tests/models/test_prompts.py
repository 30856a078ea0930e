"""What a prompt's options make of it, for any adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.loading.prompts import Prompt
from pytest_ood.models._prompts import (
    READING,
    SOURCE,
    DemonstrationOptions,
    prompt_loader,
    prompt_parameters,
    read_answer,
)
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification, Extraction, NumericAnswer, QuestionAnswering, Task

REVIEWS = Dataset(
    "reviews",
    tuple(
        Example(f"r{n}", f"text {n}", ("negative", "positive")[n % 2], rationale="because " * n)
        for n in range(1, 21)
    ),
)
SUMS = Dataset(
    "sums",
    tuple(Example(f"s{n}", f"{n} + 1?", str(n + 1), rationale="a step\n" * n) for n in range(12)),
)


@pytest.fixture
def load(tmp_path: Path, context_of: Callable[..., Context]) -> Callable[..., Prompt]:
    """Return a maker of prompts of a task, from data or an inline list."""

    def loader(
        task: Task | None = None,
        data: Dataset = REVIEWS,
        prompt: str = "{text} is",
        showing: dict[str, Any] | None = None,
        **options: Any,
    ) -> Prompt:
        context = context_of(tmp_path, data)
        context = context if task is None else replace(context, task=task)
        options = {"label_words": None, **options}
        return prompt_loader(context, prompt, DemonstrationOptions(**(showing or {})), **options)()

    return loader


Load = Callable[..., Prompt]


def ids(prompt: Prompt) -> list[str]:
    """Return the ids of what a prompt shows, in order."""
    return [example.id for example in prompt.demonstrations]


def test_the_seed_draws_or_orders(load: Load) -> None:
    """By default another seed draws others; told so, it only brings the same into another order."""
    drawn = [ids(load(showing={"declared": "d", "seed": seed})) for seed in range(6)]
    assert len({frozenset(shown) for shown in drawn}) > 1
    ordered = [
        ids(load(showing={"declared": "d", "seed": seed, "vary": "order"})) for seed in range(6)
    ]
    assert ordered[0] == drawn[0]
    assert {frozenset(shown) for shown in ordered} == {frozenset(drawn[0])}
    assert len(set(map(tuple, ordered))) > 1


def test_the_most_complex_are_shown(load: Load) -> None:
    """Of the data those with the longest rationales are drawn, whatever the seed."""
    for seed in range(3):
        showing = {"declared": "d", "shots": 3, "selection": "complexity", "seed": seed}
        assert {*ids(load(NumericAnswer(), SUMS, showing=showing))} == {"s9", "s10", "s11"}


def test_the_most_complex_of_a_list_are_shown(load: Load) -> None:
    """Of a list in the configuration, too; its seed decides the order."""
    given = [{"text": e.inputs, "label": e.label, "rationale": e.rationale} for e in SUMS]
    shown = [
        ids(load(NumericAnswer(), showing={"declared": given, "shots": 3, "selection": "complexity",
                                           "seed": seed}))
        for seed in range(6)
    ]  # fmt: skip
    assert {frozenset(names) for names in shown} == {frozenset({"10", "11", "12"})}
    assert len(set(map(tuple, shown))) > 1
    assert ids(load(NumericAnswer(), showing={"declared": given, "shots": 3})) == ["1", "2", "3"]


def test_demonstrations_of_open_tasks_have_any_answer(load: Load) -> None:
    """Of an inline list any string is an answer; it is shown as it stands there."""
    given = [{"text": "2 + 3?", "label": "5"}, {"text": "1 + 1?", "label": "2"}]
    shown = load(NumericAnswer(), prompt="{text}", showing={"declared": given})
    assert shown.render("0 + 4?") == "2 + 3? 5\n\n1 + 1? 2\n\n0 + 4?"
    with pytest.raises(ConfigurationError, match=r"a label \(the answer, as a string\), not"):
        load(NumericAnswer(), showing={"declared": [{"text": "2 + 3?", "label": 5}]})


@pytest.mark.parametrize(
    ("given", "labels"),
    [((0, 1), ("0", "1")), ((0.0, 1.0), ("0", "1")), ((False, True), ("false", "true"))],
)
def test_labels_of_inline_demonstrations_may_be_numbers(
    load: Load, given: tuple[Any, Any], labels: tuple[str, str]
) -> None:
    """TOML's numbers and truth values stand for the labels that are written so."""
    rows = [{"text": "a", "label": given[0]}, {"text": "b", "label": given[1]}]
    shown = load(Classification(labels), showing={"declared": rows})
    assert [example.label for example in shown.demonstrations] == list(labels)


def test_a_chain_of_thought_needs_rationales(load: Load) -> None:
    """A demonstration that shows no way to its answer is refused by its id."""
    inline = {"text": "2 + 3?", "label": "5"}
    bare = Dataset("bare", (SUMS.examples[3], SUMS.examples[0]))
    for showing, name in (
        ({"declared": [{**inline, "rationale": "2 + 3 = 5."}, inline]}, "2"),
        ({"declared": "d", "shots": 2}, "s0"),
        ({"declared": "d", "shots": 2, "selection": "complexity"}, "s0"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            load(NumericAnswer(), bare, showing=showing, chain_of_thought=True)
        assert f"the demonstration '{name}' has no rationale" in str(caught.value)
    shown = load(
        NumericAnswer(), prompt="{text}", chain_of_thought=True,
        showing={"declared": [{**inline, "rationale": "2 + 3 = 5."}]},
    )  # fmt: skip
    assert shown.prefix == "2 + 3? 2 + 3 = 5. The answer is 5.\n\n"


@pytest.mark.parametrize(
    ("words", "written", "message"),
    [
        ({"negative": "bad", "positive": "bad"}, False,
         "'bad' stands for 'negative' and for 'positive'; give each label a word of its own"),
        ({"negative": "bad", "positive": " bad "}, False, "stands for 'negative'"),
        ({"negative": "bad", "positive": "Bad"}, True,
         "'Bad' stands for 'negative' and for 'positive', whatever the case, as answers are read"),
    ],
)  # fmt: skip
def test_labels_do_not_share_a_word(
    words: dict[str, str],
    written: bool,  # noqa: FBT001 - a column of the table
    message: str,
    load: Load,
) -> None:
    """What would be read as two labels is refused, where answers are read in any case of it."""
    with pytest.raises(ConfigurationError) as caught:
        load(label_words=words, written=written)
    assert message in str(caught.value)


def test_words_that_differ_in_case_may_be_scored(load: Load) -> None:
    """To a model that scores them they are two tokens."""
    words = {"negative": "bad", "positive": "Bad"}
    assert load(label_words=words).label_words == words


@pytest.mark.parametrize(
    ("showing", "options", "message"),
    [
        ({}, {"label_words": {"5": "five"}}, "label_words: the task numeric has no labels"),
        ({"declared": "d", "selection": "longest"}, {}, "unknown selection 'longest'"),
        ({"declared": "d", "vary": "words"}, {}, "vary: unknown value 'words'"),
        ({"selection": "complexity"}, {}, "needs `demonstrations` to select from"),
        ({"vary": "order"}, {}, "vary = 'order' needs `demonstrations` to select from"),
        ({"seed": 1}, {}, "demonstration_seed = 1 needs `demonstrations` to select from"),
        ({"shots": -1}, {}, "shots = -1 has to be 0 or more"),
        ({"declared": [], "shots": 1}, {}, "shots = 1, but 0 demonstrations are given"),
    ],
)
def test_wrong_values_are_refused(
    showing: dict[str, Any], options: dict[str, Any], message: str, load: Load
) -> None:
    """What makes no sense is a usage error, before anything is drawn."""
    with pytest.raises(ConfigurationError) as caught:
        load(NumericAnswer(), showing=showing, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ("data/train.jsonl", "data/train.jsonl"),
        ({"data": "hub:gsm8k#main", "split": "train"}, "hub:gsm8k#main train"),
        ([{"text": "x", "label": "positive"}], "the configuration"),
    ],
)
def test_it_is_told_where_demonstrations_come_from(given: Any, source: str, load: Load) -> None:
    """The report names their data; without any there is nothing to name."""
    prompt = load(showing={"declared": given})
    assert prompt_parameters(prompt, Classification(("a", "b")))[SOURCE] == source
    assert SOURCE not in prompt_parameters(load(), Classification(("a", "b")))


def test_right_answers_are_shown_as_models_write_them(load: Load) -> None:
    """Of an object with a span the value is shown; an inline label as it stands."""
    task = Extraction.of({"time": "exact"})
    label = task.encode({"time": {"start": 3, "end": 7}}, "at 6 pm")
    data = Dataset("messages", (Example("1", "at 6 pm", label),))
    shown = load(task, data, showing={"declared": "data", "shots": 1})
    assert shown.render("Hello") == 'at 6 pm is {"time": "6 pm"}\n\nHello is'
    inline = [{"text": "at 6 pm", "label": "six", "rationale": "It says so."}]
    showing = {"declared": inline, "selection": "complexity", "shots": 1}
    assert load(task, showing=showing).render("Hello") == "at 6 pm is six\n\nHello is"


def test_the_task_of_open_answers_is_told() -> None:
    """What reads the answer is part of what decides it; labels tell it by themselves."""
    prompt = Prompt("{text}", {})
    assert prompt_parameters(prompt, NumericAnswer())["task"] == "numeric"
    assert "task" not in prompt_parameters(prompt, Classification(("a", "b")))
    assert "chain_of_thought" not in prompt_parameters(prompt, NumericAnswer())
    thinking = replace(prompt, chain_of_thought=True)
    assert prompt_parameters(thinking, NumericAnswer())["chain_of_thought"] is True


def test_rules_of_reading_are_part_of_what_decides() -> None:
    """Answers that were read by other rules are asked for anew; label words have none."""
    prompt, labels = Prompt("{text}", {}), Classification(("a", "b"))
    thinking = replace(prompt, chain_of_thought=True)
    assert prompt_parameters(prompt, NumericAnswer())["reading"] == READING
    assert prompt_parameters(thinking, labels)["reading"] == READING
    assert "reading" not in prompt_parameters(prompt, labels)


@pytest.mark.parametrize(
    ("task", "text", "finished", "answer"),
    [
        (NumericAnswer(), "3 + 4 = 7\n7 * 2 = 14. The answer is $14.00.", True, "14"),
        (NumericAnswer(), "3 + 4 = 7\n7 * 2 =", False, None),
        (NumericAnswer(), "3 + 4 = 7\nThat makes 14 eggs", True, "14"),
        (QuestionAnswering(), "It lies in France. The answer is the Seine.", True, "the Seine"),
        (Classification(("no", "yes")), "It is not a no. The answer is yes.", True, "yes"),
        (Classification(("no", "yes")), "No rain. The answer is yes or no.", True, None),
    ],
)
def test_answers_are_read_out_of_chains(
    task: Task,
    text: str,
    finished: bool,  # noqa: FBT001 - a column of the table
    answer: str | None,
) -> None:
    """What the chain comes to is read by the task; a chain that was cut off comes to nothing."""
    words = {label: label for label in task.labels}
    prompt = Prompt("{text}", words, chain_of_thought=True)
    assert read_answer(prompt, task, text, "", finished=finished) == answer
