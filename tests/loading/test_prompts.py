from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.loading.prompts import (
    TRIGGER,
    Prompt,
    choose_demonstrations,
    conclusion,
    next_question,
    parse_template,
    rationale_of,
    reasoning_steps,
)
from pytest_ood.models._prompts import read_answer
from pytest_ood.tasks import QuestionAnswering

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


@pytest.mark.parametrize("thinking", [False, True])
def test_a_question_without_an_answer_is_shown_in_words(*, thinking: bool) -> None:
    """What a demonstration says where there is no answer is read as such, not as an abstention."""
    task = QuestionAnswering("extractive-qa")
    prompt = Prompt("{text}", {}, chain_of_thought=thinking)
    shown = prompt.answer(Example("1", "Who?", "", rationale="Nobody is named."))
    assert read_answer(prompt, task, shown, "Who?") == ""


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
        ("Judge.\n--- \t\n{text}:", "Judge.\n", "{text}:"),
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
    with pytest.raises(ConfigurationError, match="shots = -1: it has to be 0 or more"):
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


SUM = Example("1", "2 and 3?", "5", rationale="2 is there.\n2 + 3 = 5.\n#### 5")


def test_a_chain_of_thought_is_shown_before_its_answer() -> None:
    """A demonstration shows how its answer is come to; the mark that ends a solution is left out.

    Without demonstrations a phrase asks for it.
    """
    prompt = Prompt("Q: {text}\nA:", {}, "", (SUM,), chain_of_thought=True)
    shown = "Q: 2 and 3?\nA: 2 is there.\n2 + 3 = 5. The answer is 5.\n\n"
    assert prompt.prefix == shown
    assert prompt.render("1 and 1?") == f"{shown}Q: 1 and 1?\nA:"
    alone = Prompt("Q: {text}\nA:", {}, "Count.\n", chain_of_thought=True)
    assert alone.render("1 and 1?") == f"Count.\nQ: 1 and 1?\nA: {TRIGGER}"
    direct = Prompt("Q: {text}\nA:", {}, "", (SUM,))
    assert direct.render("1 and 1?") == "Q: 2 and 3?\nA: 5\n\nQ: 1 and 1?\nA:"


def test_what_is_shown_decides() -> None:
    """Rationales are part of what demonstrations are, where they are shown."""
    for chain_of_thought in (False, True):
        one, other = (
            Prompt("{text}", {}, "", (Example("1", "x", "5", rationale=r),), chain_of_thought)
            for r in ("a", "b")
        )
        assert (one.shown != other.shown) is chain_of_thought


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", 0),
        ("One step", 1),
        ("Two are there. Three come.", 2),
        ("It costs $1.50 each; two cost 3.", 2),
        ("first\n\nsecond\nthird. And more.\n", 3),
    ],
)
def test_reasoning_steps(text: str, steps: int) -> None:
    """A step is a line; in a single line, a sentence."""
    assert reasoning_steps(text) == steps


@pytest.mark.parametrize(
    ("text", "finished", "expected"),
    [
        ("2 + 3 = 5. The answer is 5.", True, "5."),
        ("2 + 3 = 5. The answer is 5.", False, "5."),
        ("2 + 16 = 18. The answer is 1", False, None),
        ("The answer is 18\nSo", False, "18"),
        ("So the final answer is: 5\nAsk me 7 more.", True, "5"),
        ("The answer is 4. No, the answer is 5.", True, "5."),
        ("THE ANSWER IS\n\n 5", True, "5"),
        ("The answer is", True, None),
        ("2 + 3\nSo it is 5.\n\n", True, "So it is 5."),
        ("2 + 3\nSo it is 5.", False, None),
        ("<think>The answer is 4.</think>It is 5.", True, "It is 5."),
        ("", True, None),
        (" \n", True, None),
    ],
)
def test_what_a_chain_comes_to(text: str, finished: bool, expected: str | None) -> None:  # noqa: FBT001
    """It stands after the last cue; without one, in the last line of a chain that is whole."""
    assert conclusion(text, finished=finished) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Q: {text}\nA:", "\nQ:"),
        ("Passage:\n{passage}\nQ: {question}\nA:", "\nPassage:"),
        ("{text}\nA:", "\n\n"),
    ],
)
def test_the_next_question_begins_like_the_template(template: str, expected: str) -> None:
    """It begins with what stands before the first field; with an empty line where nothing does."""
    assert next_question(template) == expected


def steps(count: int) -> str:
    """Return a rationale of so many steps, and the answer that ends a solution."""
    return "\n".join(["a step"] * count + ["#### 1"])


SOLVED = Dataset(
    "solved",
    tuple(Example(f"id{n}", f"t{n}", str(n % 2), rationale=steps(1 + n // 4)) for n in range(20)),
)


@settings(deadline=None)
@given(seed=st.integers(), shots=st.integers(0, 12))
def test_the_most_complex_are_selected(seed: int, shots: int) -> None:
    """No example that is left has more steps than one that is drawn; the seed decides the rest."""
    chosen = choose_demonstrations(SOLVED, (), shots, seed, "complexity")
    counts = [reasoning_steps(rationale_of(e)) for e in chosen]
    left = [reasoning_steps(rationale_of(e)) for e in SOLVED if e not in chosen]
    assert len(set(chosen)) == shots
    assert min(counts, default=9) >= max(left)


def test_labels_take_turns_among_the_most_complex() -> None:
    """Of each label the most complex are taken, one label after the other."""
    chosen = choose_demonstrations(SOLVED, ["0", "1"], 4, 0, "complexity")
    assert [example.label for example in chosen] == ["0", "1", "0", "1"]
    assert {example.id for example in chosen} == {"id16", "id17", "id18", "id19"}


def test_the_seed_orders_the_most_complex() -> None:
    """The same four are shown in several orders."""
    drawn = {choose_demonstrations(SOLVED, (), 4, seed, "complexity") for seed in range(8)}
    assert len(drawn) > 1
    assert len({frozenset(e.id for e in chosen) for chosen in drawn}) == 1


def test_where_there_are_no_labels_nothing_takes_turns() -> None:
    """Any example of an open task may be drawn; too few are told by their number."""
    chosen = choose_demonstrations(pool(), (), 12, 0)
    assert {example.id for example in chosen} == {example.id for example in pool()}
    with pytest.raises(ConfigurationError) as caught:
        choose_demonstrations(pool(3), (), 4, 0)
    assert str(caught.value) == "shots = 4: pool has only 3 examples"
