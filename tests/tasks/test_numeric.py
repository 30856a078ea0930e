"""Numeric answers: what a text answers with, and which numbers are equal."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.errors import DataError
from pytest_ood.tasks import NumericAnswer, Prediction, reasoning_of
from pytest_ood.tasks.numeric import LONGEST_NUMBER, canonical_number, numbers, written

TASK = NumericAnswer()
SHARED = Path(__file__).parents[2].parent / "shared" / "data"

KNOWN = [
    # Signs, currencies, thousands, decimals, units.
    ("18", "18"),
    ("18.00", "18"),
    ("18.", "18"),
    ("007", "7"),
    (".5", "0.5"),
    ("-.50", "-0.5"),
    ("-0.0", "0"),
    ("+3", "3"),
    ("-3", "-3"),
    ("\u22123", "-3"),
    ("$1,234.50", "1234.5"),
    ("-$3", "-3"),
    ("$-3", "-3"),
    ("$ 5", "5"),
    ("\u20ac20", "20"),
    ("1 000", "1000"),
    ("1\u202f000\u202f000", "1000000"),
    ("1,000 200", "200"),
    ("In 2020 300", "300"),
    ("12,34", "34"),
    ("5%", "5"),
    ("50%-20%", "20"),
    ("20 dollars", "20"),
    ("18cm", "18"),
    ("$18/hour", "18"),
    ("12345678901234567890123456789012345678901", "12345678901234567890123456789012345678901"),
    # Fractions and powers of ten.
    ("3/4", "0.75"),
    ("1/3", "1/3"),
    ("2/6", "1/3"),
    ("1 1/2 cups", "1.5"),
    ("-3/4", "-0.75"),
    ("3/0", None),
    ("The answer is **3/4**.", "0.75"),
    ("The answer is 3/4-inch", "0.75"),
    ("The answer is 1/2 - a half", "0.5"),
    ("3/4.5", "4.5"),
    (r"\boxed{1\frac{1}{2}}", "1.5"),
    (r"\boxed{-\frac{3}{4}}", "-0.75"),
    ("1e3", "1000"),
    ("1.5E-2", "0.015"),
    ("1.5 \u00d7 10^3", "1500"),
    (r"2 \times 10^{3}", "2000"),
    # Calculations.
    ("x = 7", "7"),
    ("48/2=24", "24"),
    ("16-3", "3"),
    ("16 - 3 - 4 = 9", "9"),
    ("(5)-3", "3"),
    ("5x3=15", "15"),
    # Markup.
    ("**18**", "18"),
    (r"\boxed{18}", "18"),
    (r"So \boxed{x = 18} and 3 is another.", "18"),
    (r"\boxed{\text{about } 1{,}234}", "1234"),
    (r"\(\frac{3}{4}\)", "0.75"),
    (r"\boxed{\dfrac{1}{2}}", "0.5"),
    (r"\boxed{}", None),
    # What announces an answer.
    ("#### 18", "18"),
    ("He has 5.\n#### 1,200\nQ: What about 7?", "1200"),
    ("3 + 4 = 7\n####", None),
    ("5 + 3\n#### unknown", None),
    ("#### Step 2: Add\n5 + 3 = 8", "8"),
    ("#### **2. Add**\n\nThe answer is 8. It took 2 steps.", "8"),
    ("#### 8\n#### Step 3: Check\nSo it is.", "8"),
    ("####\n8\nIt took 2 steps.", "8"),
    ("The answer is (18).", "18"),
    ("The answer is $18. It took 3 steps.", "18"),
    ("The answer is 5 + 3 = 8.", "8"),
    ("The answer is 3/4 of it", "0.75"),
    ("First I said the answer is 5. No, the answer is 6.", "6"),
    ("5 and 3. The answer is\n\n18 apples", "18"),
    ("5 and 3. The answer is unknown.", None),
    ("The final answer was: -5", "-5"),
    ("Answer: 18", "18"),
    ("**Answer:** $18", "18"),
    ("Answer: 48/2 = 24 in May, 24 + 48 = 72 in all.", "72"),
    ("Answer: He has 5.\nHe gets 3.\nSo 8 in all.", "8"),
    (
        "That means the answer is 676 - 224, which is 452. "
        "Therefore, the answer (arabic numerals) is 452.",
        "452",
    ),
    ("The answer (in dollars) is $18. That is 3 more.", "18"),
    ("The answer [cm] is 18, not 3.", "18"),
    ("The answer, in dollars, is 18. That is 3 more.", "18"),
    ("The answer to the question is 18. It took 3 steps.", "18"),
    ("The final answer for part (b) is 7, and 9 is another's.", "7"),
    ("The answer therefore is 18. That is 3 more.", "18"),
    ("The answer must be 18 and not 3.", "18"),
    ("The answer's 18. It took 3 steps.", "18"),
    ("Answer (in dollars): 18. That is 3 more.", "18"),
    ("**Answer** (arabic numerals): **18**, which is 3 more", "18"),
    ("To answer this, we see that Tom is 5 years old. He gets 8.", "8"),
    ("The answer is 676 - 224, which is 452.", "452"),
    ("The answer is 3 times 6, or 18.", "18"),
    ("The answer is 5, which is 3 more than 2.", "5"),
    ("The answer is 2 + 3.", "2"),
    # Markdown, not identifiers.
    ("The answer is __18__.", "18"),
    ("The answer is ___18___ or so.", "18"),
    ("_18_", "18"),
    ("_1e3_", "1000"),
    ("item_2", None),
    (r"\boxed{{{18}}}", "18"),
    (r"It is \boxed{18} of 20, or \boxed{1", "18"),
    ("<think>It is 5.</think>It is 6", "6"),
    ("<think>It is 5.", None),
    # No number.
    ("", None),
    ("   \n", None),
    ("twelve", None),
    ("I don't know.", None),
    ("12:30", None),
    ("It is 3:4 for A4 and x2", None),
    ("on 3/4/2020", None),
    ("version 1.2.3", None),
    ("nan", None),
    ("1e300", None),
    ("inf", None),
]


WRITTEN = [
    ("The answer is 15, where x = 3.", "15"),
    ("The answer is 15 when n = 3", "15"),
    ("The answer is 5 (x = 2, y = 3).", "5"),
    ("The answer is 42 (6*7 = 42; check: 42/6 = 7).", "42"),
    ("The answer is 42, since 84 / 2 = 42 and 42 = 6*7", "42"),
    ("15, where x = 3.", "15"),
    ("42 (6*7 = 42; check: 42/6 = 7)", "42"),
    ("**5 dollars** (x = 2)", "5"),
    ("5 + 3 = 8", "8"),
    ("The answer is 15 if x = 3 + 4 = 7", "15"),
    ("The answer is 6*7 = 42; check: 42/6 = 7.", "42"),
    ("The answer is 5 + 3 = 8 (since 5+2 = 7)", "8"),
    ("The answer is 12 = 3*4", "12"),
    ("The answer is 5 apples + 3 apples = 8 apples", "8"),
    ("The answer is 10 - 2 = 8, and x = 3", "8"),
    ("The answer is 12 miles / 4 mph = 3 hours", "3"),
    ("The answer is $20/hour * 35 hours/week = $700/week", "700"),
    ("The answer is 60g * 4/5 = 240g/5 = 48 grams", "48"),
    ("The answer is 3 * 4 = 2 * 6 = 12", "12"),
    ("The answer is 2*(3 + 4) = 14", "14"),
    ("The answer is x = 7", "7"),
    ("The answer is $5 + $3 = $8", "8"),
    ("The answer is 18 \u2212 x = 3", "18"),
    ("\u20135", "-5"),
    ("\u2013 5", "-5"),
    ("\\boxed{\u201318}", "-18"),
    ("minus 5", "-5"),
    ("negative 5", "-5"),
    ("The answer is minus 5.", "-5"),
    ("The answer is negative 5", "-5"),
    ("The answer is \u2013 5", "-5"),
    ("The answer is - 5", "-5"),
    ("- 5", "5"),
    ("9 minus 5", "5"),
    ("16 \u2013 3", "3"),
    ("pages 5\u201310", "10"),
    ("10^3", "1000"),
    ("10\xb3", "1000"),
    (r"\boxed{10^3}", "1000"),
    (r"\boxed{10^{3}}", "1000"),
    ("3\xd710\u2078", "300000000"),
    ("3\xb710^8", "300000000"),
    (r"3.0 \cdot 10^{8}", "300000000"),
    (r"\boxed{3.0 \cdot 10^{8}}", "300000000"),
    ("10**3", "1000"),
    ("2^10", "1024"),
    ("10\u207b\xb2", "0.01"),
    ("18 m^2", "18"),
    ("18 m\xb2", "18"),
    (r"\boxed{18\text{ cm}^2}", "18"),
    ("x^2", None),
    ("9^999", None),
    ("0^-1", None),
    ("5\xbd", "5.5"),
    ("\xbd", "0.5"),
    ("5 \xbd", "5.5"),
    ("-\xbd", "-0.5"),
    ("3\u20444", "0.75"),
    (r"\boxed{\frac12}", "0.5"),
    (r"\boxed{\frac{-1}{2}}", "-0.5"),
    (r"\boxed{\frac{1.5}{3}}", "0.5"),
    (r"\boxed{\frac1{2}}", "0.5"),
    (r"\boxed{\frac{1,000}{2}}", "500"),
    (r"\boxed{\sqrt{2}}", None),
    (r"\boxed{3\sqrt{2}}", None),
    (r"\boxed{2\pi}", None),
    (r"\boxed{101_2}", None),
    (r"\boxed{101_{2}}", None),
    (r"\boxed{0.\overline{3}}", None),
    (r"\boxed{\frac{\pi}{4}}", None),
    (r"\boxed{\frac{x}{2}}", None),
    (r"\boxed{\frac{\sqrt{2}}{2}}", None),
    ("\\boxed{2\u03c0}", None),
    ("\\boxed{\u221a2}", None),
    (r"\boxed{\log 5}", None),
    (r"\boxed{2^n}", None),
    (r"\boxed{5 + 3\sqrt{2}}", None),
    (r"The answer is $3\sqrt{2}$.", None),
    ("It is 5 times, so 25\u03c0", None),
    (r"The answer is $\frac{\sqrt{2}}{2}$", None),
    ("The answer is 3\u221a2 \u2248 4.24", "4.24"),
    (r"\boxed{1\,234}", "1234"),
    (r"\boxed{1,\!234}", "1234"),
    (r"\boxed{1{,}234{,}567}", "1234567"),
    ("1'234", "1234"),
    ("1_234", "1234"),
    ("1\u2019234", "1234"),
    ("12,34,567", "1234567"),
    ("1,12,34,567", "11234567"),
    ("18,000,00", None),
    ("1.234,50", None),
    ("1.234.567,50", None),
    ("12,34", "34"),
    ("The answer is 20% of 90, which is 18", "18"),
    ("The answer is the sum of 9 and 9, which is 18", "18"),
    ("The answer is half of 36, which is 18", "18"),
    ("The answer is 9 plus 9, so 18", "18"),
    ("The answer is 9+9\n= 18", "18"),
    ("The answer is not 17 but 18", "18"),
    ("20% of 90, which is 18", "18"),
    ("9+9\n= 18", "18"),
    ("not 17 but 18", "18"),
    ("The answer is not 17.\nIt is 18", "18"),
    ("The answer is 3/4 of 24, which is 18", "18"),
    ("The answer is half of $36, or $18", "18"),
    ("The answer is twice 9, so 18.", "18"),
    ("The answer is 20 of the 90, which is a lot: 3", "20"),
    ("1.5 million", "1500000"),
    ("$1.5M", "1500000"),
    ("3k", "3000"),
    ("$2bn", "2000000000"),
    ("5 hundred thousand", "500000"),
    ("18m", "18"),
    ("$3m", "3000000"),
    ("3km", "3"),
    ("5 million dollars", "5000000"),
    ("3/4 million", "750000"),
    ("2 thousand-strong", "2000"),
    ('{"answer": 18, "confidence": 95}', "18"),
    ('```json\n{"answer": 18, "steps": 2}\n```', "18"),
    ('{"steps": 2, "answer": "18 apples", "n": 3}', "18"),
    ("<answer>18</answer> confidence 95", "18"),
    (r"\boxed{18} and then \boxed{}", "18"),
    ('{"answer": null, "n": 3}', None),
    ('{"answer": {"value": 18}, "confidence": 95}', "18"),
    (r"\boxed{2x}", None),
    (r"\boxed{18s}", "18"),
    ('{"answer": 0.1234567890123456789}', "0.1234567890123456789"),
    ("<answer>9+9 = 18</answer> 3", "18"),
    ('<answer>{"answer": 18, "c": 95}</answer>', "18"),
    ("1\u200b8", "18"),
    ("The answer is 18.\n\nConfidence: 95", "18"),
    (r"\boxed{18\%}", "18"),
    (r"\boxed{\$18}", "18"),
    (r"\boxed{18^\circ}", "18"),
    (r"The answer is \( 9 \times 2 = 18 \)", "18"),
    (r"The answer is $9 \times 2 = 18$", "18"),
    ("The answer is 18 = 18", "18"),
    ("The answer is 50% = 0.5", "0.5"),
]
"""Ways to write a number, calculations with what stands beside them, and formats of an answer."""


@pytest.mark.parametrize(("text", "number"), [*KNOWN, *WRITTEN], ids=ascii)
def test_the_number_a_text_answers_with(text: str, number: str | None) -> None:
    """Of several numbers the announced one counts, or else the last; none is an abstention."""
    assert TASK.read(text, {}) == number


@pytest.mark.parametrize(
    ("given", "number"),
    [("18", "18"), ("51.0", "51"), ("He has 5 + 3 = 8.\n#### 1,008", "1008"), ("$5", "5"),
     ("#### -3", "-3")],
)  # fmt: skip
def test_a_reference_is_a_number_or_a_solution(given: str, number: str) -> None:
    """A right answer is one number, as SVAMP has it, or what a GSM8K solution ends in."""
    assert TASK.reference(given) == number


@pytest.mark.parametrize("given", ["", "twelve", "5 or 6", "5 + 3 = 8", "It is 8.\n####", "12:30"])
def test_an_ambiguous_reference_is_refused(given: str) -> None:
    """Data of which nobody can say what is right are an error that shows them."""
    with pytest.raises(DataError, match="is no number, nor a solution that ends in ####"):
        TASK.reference(given)


@pytest.mark.parametrize(
    ("answer", "score"), [("18", 1.0), ("18.5", 0.0), (None, 0.0), ("-18", 0.0)]
)
def test_the_right_number_scores(answer: str | None, score: float) -> None:
    """Equal numbers are written alike, and score; an abstention does not."""
    example = Example("1", "How many?", TASK.reference("18.0"))
    assert TASK.score(Prediction(answer), example) == score
    assert TASK.truth(Prediction(answer), example) == "18"


@given(st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=4))
def test_every_way_to_write_a_number_is_the_same(number: Decimal) -> None:
    """With commas, zeros, a sign of its own, a currency or in a sentence: one canonical form."""
    plain = format(number, "f")
    ways = [
        plain,
        f"{number:,}",
        f"{plain}00",
        plain.replace("-", "\u2212"),
        f"${number:,}".replace("$-", "-$"),
        f"So 3 + 4 = 7, and the answer is {plain}.",
        f"#### {number:,}",
        rf"\boxed{{{plain}}}",
        f"{number:E}",
    ]
    assert {TASK.read(way, {}) for way in ways} == {written(Fraction(number))}
    assert Fraction(written(Fraction(number))) == Fraction(number)


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text("0123456789.,/-+ e$%:=#*\\{}frac", max_size=60))
def test_reading_is_total_and_settled(text: str) -> None:
    """Any text is a number or an abstention, and a number that was read reads as itself."""
    read = TASK.read(text, {})
    if read is not None:
        assert TASK.read(read, {}) == TASK.reference(read) == canonical_number(read) == read


@given(st.fractions(max_denominator=10**6))
def test_a_written_value_is_the_value(value: Fraction) -> None:
    """What is written is the value exactly, as a decimal wherever that ends."""
    text = written(value)
    assert Fraction(text) == value
    assert canonical_number(text) == text


def test_long_digits_are_no_number() -> None:
    """A model that repeats a digit without end answers nothing, and costs no time."""
    assert TASK.read("9" * (LONGEST_NUMBER + 1), {}) is None
    assert TASK.read("1" * 100_000 + " and 1,000," * 10_000, {}) == "1000"


@pytest.mark.parametrize("text", ["", "5 apples", "two", "1 2"])
def test_what_is_no_number_has_no_canonical_form(text: str) -> None:
    """A text around a number, or none, is refused."""
    with pytest.raises(ValueError, match="is no number"):
        canonical_number(text)


def test_a_shown_solution_has_no_annotations() -> None:
    """GSM8K's annotations and its marked answer stay out of a prompt."""
    raw = "He sold 48/2 = <<48/2=24>>24 clips.\nIn all 48+24 = <<48+24=72>>72.\n#### 72"
    assert reasoning_of(raw) == "He sold 48/2 = 24 clips.\nIn all 48+24 = 72."
    assert reasoning_of("( 8.0 - 3.0 )") == "( 8.0 - 3.0 )"
    assert reasoning_of("") == ""


def test_gsm8k_answers_are_those_of_its_own_code() -> None:
    """On all of GSM8K's solutions the answer is the one its published regular expression finds."""
    path = SHARED / "gsm8k" / "test.jsonl"
    if not path.is_file():
        pytest.skip(f"the shared data {path} is not there")
    official = re.compile(r"#### (\-?[0-9\.\,]+)")
    for line in path.read_text(encoding="utf-8").splitlines():
        solution = json.loads(line)["answer"]
        match = official.search(solution)
        assert match
        wanted = match[1].replace(",", "")
        assert TASK.reference(solution) == TASK.read(solution, {}) == written(Fraction(wanted))


def test_numbers_come_in_order() -> None:
    """All numbers of a text are found, in their order, each in its canonical form."""
    assert list(numbers("3 of 1,200 at 5.0% for $2 on 1/2/2020")) == ["3", "1200", "5", "2"]


@pytest.mark.parametrize(
    ("solution", "reasoning"),
    [
        ("2/2=<<2/2=1>>1 bolt\nSo 2+1=<<2+1=3>>3\n#### 3", "2/2=1 bolt\nSo 2+1=3"),
        ("one step\n\n two \n", "one step\ntwo"),
        ("#### 3", ""),
        ("", ""),
    ],
)
def test_a_solution_without_its_answer(solution: str, reasoning: str) -> None:
    """Steps stay, one a line; the answer, annotations and empty lines do not."""
    assert reasoning_of(solution) == reasoning
