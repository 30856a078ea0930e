"""Answers to changed questions: worked out anew where the solution says how, refused elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.perturbations import find
from pytest_ood.perturbations._word_problems import (
    CHANGEABLE,
    answer_anew,
    evaluated,
    parsed,
    steps_of,
    unsolved_numbers,
)
from pytest_ood.shifts import NoiseShift
from pytest_ood.tasks import NumericAnswer
from pytest_ood.tasks.numeric import written

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

CLIPS = "A shop sold 48 clips in May, and 15 more in June than in May. How many in all?"
SOLUTION = "June: 48+15=<<48+15=63>>63. In all 48+63=<<48+63=111>>111.\n#### 111"


def test_a_number_is_followed_through_the_steps() -> None:
    """Every place of a number changes with it, and so does what later steps make of it."""
    after = CLIPS.replace("48", "20").replace("15", "7")
    assert answer_anew(CLIPS, after, SOLUTION, "111") == "47"
    assert answer_anew(CLIPS, CLIPS, SOLUTION, "111") == "111"


def test_an_equation_is_a_solution() -> None:
    """SVAMP's equations are followed as GSM8K's annotations are."""
    question = "Dan had $ 3 left. If he had $ 14 at the start how much did the candy cost?"
    assert answer_anew(question, question.replace("14", "21"), "( 14.0 - 3.0 )", "11") == "18"


@pytest.mark.parametrize(
    ("before", "after", "rationale", "label", "why"),
    [
        ("48 pens and 48 cups", "40 pens and 48 cups", "<<48+48=96>>", "96", "occurs twice"),
        ("48 pens, forty-eight cups", "40 pens, forty-eight cups", "<<48+48=96>>", "96", "a word"),
        ("16 eggs, half eaten", "17 eggs, half eaten", "<<16/2=8>>", "8", "a fraction"),
        ("16 eggs, 9 eaten", "7 eggs, 9 eaten", "<<16-9=7>>", "7", "negative"),
        ("16 eggs, 9 eaten", "9 eggs, 9 eaten", "<<16-9=7>>", "7", "nothing left"),
        ("2 bolts, half of it", "5 bolts, half of it", "<<2/2=1>>", "1", "half, or the bolts"),
        ("70 days, sold weekly", "60 eggs, sold weekly", "<<70*9=630>>", "630", "other words"),
        ("70 miles", "60 miles", "<<70*9=630>>", "630", "nine comes from nowhere"),
        ("70 miles, 11 stops", "70 miles, 13 stops", "<<70*2=140>>", "140", "has no part in it"),
        ("80 toys, 30 lost, 200 in all", "70 toys, 30 lost, 200 in all",
         "<<200-80=120>> 120 - 40 = 80 <<80-30=50>>", "50", "a step is not annotated"),
        ("16 eggs", "17 eggs", "<<16*3=49>>", "49", "the step is wrong"),
        ("16 eggs", "17 eggs", "<<16*3=48>>", "50", "the last step is not the answer"),
        ("16 eggs", "17 eggs", "no calculation", "16", "no solution"),
        ("16 eggs", "17 eggs", "", "16", "no solution at all"),
        ("16 eggs", "17 eggs", "<<16**3=4096>>", "4096", "another operation"),
        ("16 eggs", "17 eggs", "<<__import__('os')=1>>", "1", "no arithmetic"),
        ("16 eggs, 9 eaten", "9 eggs, 9 eaten", "<<90/(16-9)=x>>", "1", "no number"),
    ],
)  # fmt: skip
def test_what_a_solution_does_not_answer(
    before: str, after: str, rationale: str, label: str, why: str
) -> None:
    """Where the new answer is not certain, or makes no sense, there is none."""
    assert answer_anew(before, after, rationale, label) is None, why


def test_numbers_that_a_solution_leaves_open_stay() -> None:
    """Of a question those are changed that the solution answers for."""
    text = "48 pens cost 3 dollars each, 11 shops, and 50% of them closed at 8:30 with 2 people."
    assert unsolved_numbers(text, "<<48*3=144>>", "144") == ["3", "11", "50", "8", "30", "2"]
    assert "".join(CHANGEABLE.findall("5% of 1/2 at 8:30 in A4 on 1-2 is 3rd")) == ""
    assert CHANGEABLE.findall("for $2.50, 1,200 and 7.") == ["2.50", "1,200", "7"]


EXPRESSIONS = st.recursive(
    st.integers(0, 999).map(str) | st.decimals(0, 99, places=2).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_the_evaluator_is_arithmetic(text: str) -> None:
    """What is evaluated is what Python makes of the same expression over fractions."""
    tree = parsed(text)
    direct = "".join(
        f"Fraction('{part}')" if part.replace(".", "").isdigit() else part
        for part in text.replace("(", " ( ").replace(")", " ) ").split()
    )
    try:
        wanted = eval(direct, {"Fraction": Fraction})  # noqa: S307 - made of numbers above
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            evaluated(tree, lambda literal: literal)
        return
    assert evaluated(tree, lambda literal: literal) == wanted


@given(
    old=st.tuples(*[st.integers(101, 999)] * 3),
    new=st.tuples(*[st.integers(101, 999)] * 3),
    shape=st.sampled_from(["({0}+{1})*{2}", "{0}*{1}-{2}", "{0}+{1}+{2}", "{2}*({0}-{1})"]),
)
def test_a_recomputed_answer_is_the_direct_one(
    old: tuple[int, int, int], new: tuple[int, int, int], shape: str
) -> None:
    """With other numbers the answer is what the same expression gives for them."""
    assume(len(set(old)) == 3)

    def value(numbers: tuple[int, int, int]) -> int:
        return int(evaluated(parsed(shape.format(*numbers)), lambda literal: literal))

    assume(value(old) > 0 and value(new) > 0)
    question = "There are {} red, {} blue and {} green ones. How many?"
    rationale = f"<<{shape.format(*old)}={value(old)}>>\n#### {value(old)}"
    found = answer_anew(question.format(*old), question.format(*new), rationale, str(value(old)))
    assert found == written(Fraction(value(new)))


def solved(question: str, rationale: str) -> Example:
    """Return an example with its solution."""
    return Example("1", question, NumericAnswer().reference(rationale), rationale=rationale)


def test_a_shift_changes_question_and_answer_together() -> None:
    """Under the shift an example has the answer that its own numbers give, for every severity."""
    change = find("change-numbers")
    examples = [
        Example(str(n), f"Paul has {n + 30} pens and buys {n + 61} more. How many pens?",
                str(2 * n + 91), rationale=f"<<{n + 30}+{n + 61}={2 * n + 91}>>")
        for n in range(20)
    ]  # fmt: skip
    for severity in (1, 3, 5):
        shift = NoiseShift("numbers", change.at(severity))
        shifted = shift.apply(examples, 0)
        assert list(shifted.changed) == [True] * 20
        for example, inputs in zip(examples, shifted.inputs, strict=True):
            first, second = (int(n) for n in CHANGEABLE.findall(str(inputs)))
            assert shift.relabelled(example, inputs).label == str(first + second)
            assert inputs != example.inputs


def test_what_cannot_be_answered_stays_or_is_rejected() -> None:
    """A question without a solution stays; one whose every change makes no sense is rejected."""
    shift = NoiseShift("numbers", find("change-numbers"))
    open_question = Example("1", "Paul has 30 pens. How many?", "30")
    twice = solved("13 pens for 13 boys", "<<13/13=1>>\n#### 1")
    shifted = shift.apply([open_question, replace(twice, id="2")], 0)
    assert list(shifted.changed) == list(shifted.rejected) == [False, False]
    # One number in a thousand can be shared by so many.
    many = "1994 pens for nine hundred ninety-seven boys. How many for each?"
    shifted = shift.apply([solved(many, "<<1994/997=2>>\n#### 2")], 0)
    assert (list(shifted.changed), list(shifted.rejected)) == ([False], [True])
    assert shifted.inputs == (many,)


def test_a_random_draw_is_like_the_number() -> None:
    """Round numbers stay round, decimals keep their places, thousands their commas."""
    change = find("change-numbers").with_parameters(share=1.0)
    for seed in range(20):
        text = change("for $2.50, 1,200 and 80000 at 1 of 7.", Random(seed))
        price, comma, round_, one, small = CHANGEABLE.findall(text)
        assert len(price.partition(".")[2]) == 2
        assert price != "2.50"
        assert 600 <= int(comma.replace(",", "")) <= 2500
        assert comma.endswith("00")
        assert round_.endswith("0000")
        assert one == "1"
        assert 2 <= int(small) <= 15


@pytest.mark.slow
def test_most_of_svamp_and_half_of_gsm8k_can_be_changed() -> None:
    """On real data the share of questions that are changed is what the documentation says."""
    gsm8k, svamp = SHARED / "gsm8k" / "test.jsonl", SHARED / "svamp" / "SVAMP.json"
    if not gsm8k.is_file() or not svamp.is_file():
        pytest.skip(f"the shared data {SHARED} is not there")
    rows = [json.loads(line) for line in gsm8k.read_text(encoding="utf-8").splitlines()[:300]]
    examples = [solved(row["question"], row["answer"]) for row in rows]
    shift = NoiseShift("numbers", find("change-numbers"))
    assert 0.4 < shift.apply(examples, 0).changed.count(True) / 300 < 0.6
    equations = json.loads(svamp.read_text(encoding="utf-8"))[:200]
    examples = [
        Example(row["ID"], f"{row['Body']} {row['Question']}", written(Fraction(row["Answer"])),
                rationale=row["Equation"])
        for row in equations
    ]  # fmt: skip
    assert shift.apply(examples, 0).changed.count(True) / 200 > 0.85


def test_steps_are_those_of_the_solution() -> None:
    """Annotations are the steps; without any the solution is one, which comes to the answer."""
    assert [step.result for step in steps_of(SOLUTION, "111") or ()] == [63, 111]
    assert steps_of("( 8.0 - 3.0 )", "5")
    assert steps_of("( 8.0 - 3.0 )", "6") is None
