from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.examples import Dataset, Example
from pytest_ood.prompting import Prompt, choose_demonstrations, parse_template

WORDS = {"0": "bad", "1": "good"}


def pool(size: int = 12) -> Dataset:
    """Make a data set of examples with the labels 0 and 1 in turn."""
    return Dataset("pool", tuple(Example(f"id{i}", f"t{i}", str(i % 2)) for i in range(size)))


def test_a_prompt_is_instruction_demonstrations_and_input() -> None:
    """The parts stand in this order; a demonstration ends with its label word."""
    prompt = Prompt(
        "Review: {text}\nSentiment:",
        WORDS,
        "Judge.\n\n",
        (Example("1", "fun", "1"), Example("2", "dull", "0")),
    )
    assert prompt.render("fine") == (
        "Judge.\n\n"
        "Review: fun\nSentiment: good\n\n"
        "Review: dull\nSentiment: bad\n\n"
        "Review: fine\nSentiment:"
    )


@settings(deadline=None)
@given(text=st.text())
def test_every_prompt_starts_with_the_prefix(text: str) -> None:
    """The prefix does not depend on the input, which follows it untouched."""
    prompt = Prompt("<{text}>", WORDS, "Judge. ", (Example("1", "fun", "1"),))
    assert prompt.render(text) == f"{prompt.prefix}<{text}>"


def test_named_fields_are_filled_in() -> None:
    """Every field in braces is replaced, also where one stands twice."""
    prompt = Prompt("{premise} / {hypothesis} / {premise}", WORDS)
    assert prompt.render({"premise": "a", "hypothesis": "b"}) == "a / b / a"


@pytest.mark.parametrize("text", ["{text}", "{premise}", r"\1 \g<0>", "{}", "100 % {"])
def test_braces_in_an_input_mean_nothing(text: str) -> None:
    """An input that looks like a field or a group reference is put in as it is."""
    assert Prompt("Q: {text}", WORDS).render(text) == f"Q: {text}"


def test_other_braces_in_a_template_stay() -> None:
    """JSON in a template is no field."""
    template = '{"answer": 1} {} {1} {text}'
    assert Prompt(template, WORDS).render("x") == '{"answer": 1} {} {1} x'


def test_a_missing_field_is_named() -> None:
    """A field that the inputs lack is named, with the nearest one they have."""
    with pytest.raises(DataError) as caught:
        Prompt("{premis}", WORDS).render({"premise": "a", "hypothesis": "b"})
    message = str(caught.value)
    assert message.startswith("the prompt: unknown field '{premis}'. Did you mean 'premise'?")
    assert message.endswith("Known: hypothesis, premise.")


@pytest.mark.parametrize(
    ("text", "instruction", "template"),
    [
        ("Review: {text}\nSentiment:", "", "Review: {text}\nSentiment:"),
        ("Judge.\n---\n{text}:", "Judge.\n", "{text}:"),
        ("Judge.\n\n---\n{text}:  \n\n", "Judge.\n\n", "{text}:"),
        ("A\n---\n{text}\n---\nB", "A\n", "{text}\n---\nB"),
        ("---\n{text}", "", "{text}"),
        ("a --- {text}", "", "a --- {text}"),
        ("  {text}", "", "  {text}"),
    ],
)
def test_parse_template(text: str, instruction: str, template: str) -> None:
    """The first line `---` ends the instruction; white space at the very end is dropped."""
    assert parse_template(text) == (instruction, template)


@pytest.mark.parametrize("text", ["", "Judge this review", "{text}\n---\nJudge", "{ text }", "{1}"])
def test_a_template_without_a_field_is_refused(text: str) -> None:
    """What is repeated for every input has to say where the input goes."""
    with pytest.raises(ConfigurationError, match=r"names no field; write \{text\} where"):
        parse_template(text)


@pytest.mark.parametrize("shots", range(7))
def test_the_labels_take_turns(shots: int) -> None:
    """Demonstrations are different examples, their labels in the order given, in turn."""
    chosen = choose_demonstrations(pool(), ["1", "0"], shots, 0)
    assert [example.label for example in chosen] == ["1", "0", "1", "0", "1", "0"][:shots]
    assert max(Counter(example.id for example in chosen).values(), default=1) == 1


@settings(deadline=None)
@given(seed=st.integers(), data=st.data())
def test_demonstrations_do_not_depend_on_the_order(seed: int, data: st.DataObject) -> None:
    """The same examples in another order give the same demonstrations."""
    shuffled = Dataset("pool", tuple(data.draw(st.permutations(pool().examples))))
    expected = choose_demonstrations(pool(), ["0", "1"], 4, seed)
    assert choose_demonstrations(shuffled, ["0", "1"], 4, seed) == expected


@settings(deadline=None)
@given(seed=st.integers())
def test_fewer_shots_are_a_prefix(seed: int) -> None:
    """One shot more keeps the demonstrations that were there."""
    most = choose_demonstrations(pool(), ["0", "1"], 6, seed)
    assert choose_demonstrations(pool(), ["0", "1"], 3, seed) == most[:3]


def test_another_seed_chooses_others() -> None:
    """The seed decides which examples are shown."""
    chosen = {choose_demonstrations(pool(100), ["0", "1"], 4, seed) for seed in range(5)}
    assert len(chosen) == 5


def test_negative_shots_are_refused() -> None:
    """A negative number of shots is refused by its key."""
    with pytest.raises(ConfigurationError, match="shots = -1: it is 0 or more"):
        choose_demonstrations(pool(), ["0", "1"], -1, 0)


def test_too_few_examples_of_a_label_are_named() -> None:
    """Where a label runs out the message names data set, label and how many it has."""
    with pytest.raises(ConfigurationError) as caught:
        choose_demonstrations(pool(3), ["0", "1"], 4, 0)
    assert str(caught.value) == "shots = 4: pool has only 1 examples of label '1'"


@pytest.mark.parametrize("instruction", ["", "Say what it is.\n"])
def test_instruction_and_template_are_one_text_and_two_again(instruction: str) -> None:
    """A prompt's text goes there and back; a changed text changes the part it is in."""
    prompt = Prompt("Review: {text}\nSentiment:", {"a": "good"}, instruction)
    assert prompt.with_text(prompt.text) == prompt
    changed = prompt.with_text(prompt.text.replace("Review", "Text").replace("Say", "Tell"))
    assert changed.template == "Text: {text}\nSentiment:"
    assert changed.instruction == instruction.replace("Say", "Tell")
    assert changed.label_words == prompt.label_words
