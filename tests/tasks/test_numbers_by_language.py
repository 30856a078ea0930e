"""Numbers in other languages than English: marks, digits, large numbers and announcements."""

# ruff: noqa: RUF001 - digits and letters of other scripts

from __future__ import annotations

import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.languages import languages
from pytest_ood.tasks import NumericAnswer, Prediction, as_read, reading_of
from pytest_ood.tasks.numeric import canonical_number, parse, written

CODES = sorted({*languages()} - {"en"})

KNOWN = [
    # German: a comma before decimals, a stop between thousands; English where nothing else fits.
    ("de", "1.234,50", "1234,5"),
    ("de", "1.234", "1234"),
    ("de", "12.345.678,9", "12345678,9"),
    ("de", "1,5", "1,5"),
    ("de", "1.5", "1,5"),
    ("de", "1.50", "1,5"),
    ("de", "0.125", "0,125"),
    ("de", "0,125", "0,125"),
    ("de", "3,142", "3,142"),
    ("de", "1234.5", "1234,5"),
    ("de", "1234,567", "1234,567"),
    ("de", "1,234.50", "1234,5"),
    ("de", "1,234,567", "1234567"),
    ("de", "276,000", "276000"),
    ("de", "5,600", "5600"),
    ("de", "0,500", "0,5"),
    ("de", "-1.234,5 \u20ac", "-1234,5"),
    ("de", "1,5, 2,5 und 3,5", "3,5"),
    ("de", "Am 12.05.2020 waren es 7", "7"),
    ("de", "Am 12.05.2020", None),
    ("de", "1,2,3", "3"),
    ("de", "3/4", "0,75"),
    ("de", "1/3", "1/3"),
    ("de", "1,5e3", "1500"),
    ("de", "12,5 %", "12,5"),
    ("de", r"\boxed{1{,}5}", "1,5"),
    ("de", r"\boxed{1.234,5}", "1234,5"),
    ("de", "#### 1.234", "1234"),
    # A space between thousands; a stop is English then.
    ("fr", "1 234,5", "1234,5"),
    ("fr", "1\u202f234\u202f567,25", "1234567,25"),
    ("fr", "1\u00a0234,560", "1234,56"),
    ("fr", "1.234", "1,234"),
    ("fr", "1.234.567", "1234567"),
    ("ru", "1\u00a0234,5", "1234,5"),
    ("pl", "1 234", "1234"),
    # The marks of English.
    ("hi", "12,34,567.5", "1234567.5"),
    ("zh", "1,234.5", "1234.5"),
    ("ja", "1.234", "1.234"),
    # Digits and marks of other scripts.
    ("ar", "١٬٢٣٤٫٥", "1234.5"),
    ("ar", "١،٠٠٠", "1000"),
    ("ar", "١٢ و ٣، ٤", "4"),
    ("fa", "۱۲۳", "123"),
    ("hi", "१२,३४,५६७", "1234567"),
    ("bn", "১২৩", "123"),
    ("ta", "௧௨௩", "123"),
    ("th", "๑๒๓.๕", "123.5"),
    ("ja", "\uff11\uff0c\uff12\uff13\uff14\uff0e\uff15", "1234.5"),
    ("ja", "\uff0d\uff13", "-3"),
    ("zh", "\uff13\uff0c\u56e0\u4e3a", "3"),
    # Words that multiply a number.
    ("ja", "3万", "30000"),
    ("ja", "1億", "100000000"),
    ("ja", "1億2000万円", "120000000"),
    ("ja", "3万5千", "35000"),
    ("ja", "2千3百万", "23000000"),
    ("ja", "3万5000", "35000"),
    ("zh", "1.5亿元", "150000000"),
    ("zh", "12 万", "120000"),
    ("zh", "3百万", "3000000"),
    ("zh", "5千", "5000"),
    ("zh", "5千克", "5"),
    ("ko", "3만 5천 원", "35000"),
    ("ko", "5 조각", "5"),
    ("th", "2 แสน 5 หมื่น", "250000"),
    ("de", "3 Millionen", "3000000"),
    ("de", "1,5 Mio. Euro", "1500000"),
    ("de", "2 Billionen", "2000000000000"),
    ("de", "5 Tausender", "5"),
    ("es", "3 mil millones", "3000000000"),
    ("fr", "2,5 milliards", "2500000000"),
    ("pt", "5 mil", "5000"),
    ("ru", "2,5 млн", "2500000"),
    ("hi", "3 लाख", "300000"),
    ("tr", "5 bin", "5000"),
    # Letters of these scripts touch numbers.
    ("zh", "一共有18个", "18"),
    ("he", "יש כ-18", "18"),
    ("ar", "و18", "18"),
    ("de", "A4", None),
    # A minus in words, and before a number that touches a word.
    ("de", "Die Antwort ist minus 5.", "-5"),
    ("de", "8 minus 5", "5"),
    ("zh", "答案是负18", "-18"),
    ("zh", "答案是-18", "-18"),
    ("ja", "答えはマイナス3です", "-3"),
    # English is understood everywhere.
    ("de", "The answer is 5, not 3.", "5"),
    ("zh", "The answer is 18. It took 3 steps.", "18"),
]


@pytest.mark.parametrize(("language", "text", "number"), KNOWN, ids=ascii)
def test_known_numbers(language: str, text: str, number: str | None) -> None:
    """A number of a text, in the marks of the language; what was read reads as itself."""
    task = NumericAnswer(language=language)
    assert task.read(text, {}) == number
    if number is not None:
        assert task.read(number, {}) == task.reference(number) == number


# The phrases of MGSM's demonstrations, and translations of "The answer is 11" and "Answer: 11".
ANNOUNCED = [
    ("ar", "الجواب هو"),
    ("ar", "الإجابة:"),
    ("az", "Cavab:"),
    ("bg", "Отговорът е"),
    ("bn", "উত্তর হল"),
    ("cs", "Odpověď je"),
    ("da", "Svaret er"),
    ("de", "Die Antwort ist"),
    ("de", "Die Antwort lautet:"),
    ("de", "Die Antwort auf die Frage ist"),
    ("de", "**Antwort (in Euro):**"),
    ("el", "Η απάντηση είναι"),
    ("es", "La respuesta es"),
    ("es", "La respuesta final es"),
    ("fa", "پاسخ:"),
    ("fa", "پاسخ"),
    ("fi", "Vastaus on"),
    ("fr", "La réponse est"),
    ("fr", "Réponse :"),
    ("he", "התשובה היא"),
    ("hi", "उत्तर:"),
    ("hi", "उत्तर"),
    ("hu", "A válasz"),
    ("it", "La risposta è"),
    ("ja", "答えは"),
    ("ja", "答え\uff1a"),
    ("ko", "정답은"),
    ("nb", "Svaret er"),
    ("nl", "Het antwoord is"),
    ("pl", "Odpowiedź to"),
    ("pt", "A resposta é"),
    ("ro", "Răspunsul este"),
    ("ru", "Ответ \u2014"),
    ("ru", "Ответ -"),
    ("ru", "Ответ:"),
    ("sv", "Svaret är"),
    ("ta", "பதில்"),
    ("th", "คำตอบคือ"),
    ("tr", "Cevap:"),
    ("tr", "Cevap"),
    ("uk", "Відповідь:"),
    ("vi", "Câu trả lời là"),
    ("vi", "Đáp số:"),
    ("zh", "答案是"),
    ("zh", "答案\uff1a"),
]


@pytest.mark.parametrize(("language", "words"), ANNOUNCED, ids=ascii)
def test_an_announced_number(language: str, words: str) -> None:
    """The number after the last announcement counts, whatever follows in other lines."""
    task = NumericAnswer(language=language)
    assert task.read(f"5 + 6 = 11. {words} 11.\n(3 + 4)", {}) == "11"
    assert task.read(f"{words} 7, {words} 11.\n3", {}) == "11"


def test_words_are_those_of_languages() -> None:
    """There are announcements and large numbers for all languages but English, and all tested."""
    others = {code: one for code, one in languages().items() if code != "en"}
    assert all(one.announcement and one.powers_of_ten for one in others.values())
    assert {*others} == {language for language, _ in ANNOUNCED} == {*CODES}


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        # A chain of thought after the bare noun is no answer yet.
        ("de", "Antwort: Er hat 5.\nDann sind es 8.", "8"),
        ("ja", "ステップごとの答え\uff1aロジャーは最初5個。全部で11個です。", "11"),
        ("zh", "答案不是5\uff0c而是6", "6"),
        ("de", "Die Antwort ist 5 + 6 = 11, 3 mehr.", "11"),
        ("de", "Die Antwort ist noch nicht klar.", None),
        ("de", '{"answer": "1.234,5"}', "1234,5"),
        ("de", "<think>7</think>Antwort: <answer>1.234</answer>", "1234"),
    ],
    ids=ascii,
)
def test_what_is_no_announcement(language: str, text: str, number: str | None) -> None:
    """The rules of English hold: a colon needs its number at once, a calculation its result."""
    assert NumericAnswer(language=language).read(text, {}) == number


ZEROS = [
    chr(code)
    for code in range(0x660, 0x1FBF0)
    if unicodedata.category(chr(code)) == "Nd" and unicodedata.decimal(chr(code)) == 0
]
"""The digit 0 of every script, behind which the others stand."""


@given(
    st.sampled_from(CODES), st.sampled_from(ZEROS), st.integers(min_value=-(10**6), max_value=10**9)
)
def test_digits_of_every_script(code: str, zero: str, number: int) -> None:
    """They mean the same in every language."""
    said = "".join(chr(ord(zero) + int(c)) if c.isdecimal() else c for c in str(number))
    assert NumericAnswer(language=code).read(said, {}) == str(number)


MARKS = {
    "de": (".", ","), "es": (".", ","), "tr": (".", ","), "vi": (".", ","), "da": (".", ","),
    "fr": ("\u202f", ","), "ru": ("\u00a0", ","), "pl": ("\u00a0", ","), "sv": (" ", ","),
    "zh": (",", "."), "ja": (",", "."), "hi": (",", "."), "ar": ("\u066c", "\u066b"),
    "fa": ("\u066c", "\u066b"),
}  # fmt: skip
"""The marks between thousands and before decimals."""


@given(
    st.sampled_from(sorted(MARKS)),
    st.integers(min_value=-(10**9), max_value=10**9),
    st.text("0123456789", max_size=5).map(lambda digits: digits.rstrip("0")),
)
def test_every_language_reads_its_own_marks(code: str, whole: int, decimals: str) -> None:
    """Grouped or not, in a sentence, a box or behind the mark of GSM8K: one canonical form."""
    group, mark = MARKS[code]
    task = NumericAnswer(language=code)
    end = f"{mark}{decimals}" if decimals else ""
    value = written(Fraction(f"{whole}.{decimals or 0}") if whole else Fraction(0))
    if not whole:
        end = ""
    expected = value.replace(".", ",") if mark == "," else value
    for number in (f"{whole}{end}", f"{whole:,}".replace(",", group) + end):
        for way in (number, rf"\boxed{{{number}}}", f"#### {number}", f"3 + 4 = 7: {number}."):
            assert task.read(way, {}) == expected
        assert task.reference(number) == expected


@given(
    st.sampled_from(CODES),
    st.text(max_size=40) | st.text("0123456789.,-/ \u202f\u066b\uff11万億千만Mio=#(", max_size=20),
)
def test_reading_is_total_and_settled(code: str, text: str) -> None:
    """Any text is a number or an abstention, and a number that was read reads as itself."""
    task = NumericAnswer(language=code)
    read = task.read(text, {})
    if read is not None:
        assert task.read(read, {}) == task.reference(read) == read


@given(st.text(max_size=40) | st.text("0123456789.,-/ \u202f\u066b\uff11万Mio=#", max_size=20))
def test_english_is_as_before(text: str) -> None:
    """The marks and words of other languages are none in English."""
    read = NumericAnswer().read(text, {})
    assert read == NumericAnswer(language="en-GB").read(text, {})
    if read is not None:
        assert canonical_number(read) == read


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.234", "1.234"), ("1,5", "5"), ("3万", "3"), ("Die Antwort ist 5, 3", "3"), ("٣٫٥", "5")],
)
def test_english_knows_no_other_marks(text: str, number: str) -> None:
    """What English reads has not changed."""
    assert NumericAnswer().read(text, {}) == number


@pytest.mark.parametrize(
    ("language", "right", "said", "label"),
    [
        # MGSM's answers have the marks of English in every language.
        ("de", "2,125", "Antwort: 2125", "2,125"),
        ("de", "2,125", "Antwort: 2.125", "2,125"),
        ("de", "2,125", "Antwort: 2,125", "2,125"),
        ("de", "2125", "Antwort: 2,125", "2125"),
        ("fr", "5,600", "5 600", "5600"),
        ("de", "2125", "2,126", "2,126"),
        ("de", "2,5", "25", "25"),
        ("de", "12,125", "2125", "2125"),
        ("zh", "2,125", "2.125", "2.125"),
    ],
)
def test_a_mark_before_three_digits_has_two_readings(
    language: str, right: str, said: str, label: str
) -> None:
    """The right one of them counts, where the language's mark before decimals is a comma."""
    task = NumericAnswer(language=language)
    example = Example("1", "q", task.reference(right))
    answer = as_read(task, Prediction(task.read(said, {}), text=said), example)
    assert answer.label == label
    assert task.score(answer, example) == float(label == example.label)


@pytest.mark.parametrize(
    ("language", "right", "said"),
    [
        ("de", "1234.5", "Die Antwort ist 1.234,5."),
        ("de", "1.5", "1,5"),
        ("zh", "18", "答案是18"),
        ("hi", "18", "उत्तर: १८"),
        ("fr", "-3", "La réponse est moins 3"),
    ],
)
def test_rows_may_be_in_another_language_than_the_task(
    language: str, right: str, said: str
) -> None:
    """The text is read again in the language of its row, recorded or generated."""
    task = NumericAnswer()
    example = Example("1", "q", task.reference(right), language=language)
    for given_text in (None, said):
        label = said if given_text is None else task.read(said, {})
        answer = as_read(task, Prediction(label, text=given_text), example)
        assert task.score(answer, example) == 1.0
        assert answer.text == said
    assert task.score(as_read(task, Prediction("7"), example), example) == 0.0
    none = Prediction(None, error="no server")
    assert as_read(task, none, example) == none


def test_a_changed_number_keeps_its_probability() -> None:
    """As votes give it."""
    said = Prediction("1", {"1": 0.6}, "Antwort: 1")
    task = NumericAnswer()
    assert task.resolve(said, Example("1", "q", "1", language="de")) == said
    voted = Prediction("7", {"7": 0.6}, "答案是18, 7")
    assert task.resolve(voted, Example("1", "q", "1", language="zh")).scores == {"18": 0.6}


def test_languages_are_known_by_tag() -> None:
    """A suite's language is found by any of its tags; without one it is English."""
    assert parse("numeric", {}) == NumericAnswer()
    assert parse("numeric", {"language": "de-AT"}) == NumericAnswer(language="de")
    assert NumericAnswer().in_language("de") == NumericAnswer(language="de")
    assert NumericAnswer(language="de").in_language("") == NumericAnswer(language="de")
    with pytest.raises(ConfigurationError, match="language"):
        parse("numeric", {"language": "qqq"})


def test_a_right_answer_that_is_no_number_is_an_error() -> None:
    """In every language, as in English."""
    with pytest.raises(DataError, match="is no number"):
        NumericAnswer(language="de").reference("fünf")
    with pytest.raises(DataError, match="is no number"):
        NumericAnswer(language="de").reference("1,5 und 2,5")


def test_stored_answers_of_another_language_are_others() -> None:
    """The same text is another number there."""
    hashes = [reading_of(NumericAnswer(language=code)) for code in ("en", "en-GB", "de", "fr")]
    assert hashes[:2] == ["", ""]
    assert len({*hashes}) == 3
