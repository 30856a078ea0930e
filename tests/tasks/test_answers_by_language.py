"""Answers in words in other languages than English: how they are read, and compared."""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import ENGLISH, Language, find_language, languages
from pytest_ood.metrics.exact_match import ExactMatch
from pytest_ood.metrics.token_f1 import TokenF1
from pytest_ood.perturbations.contracts import label_unless_answer_added
from pytest_ood.tasks import Prediction, QuestionAnswering, as_read, reading_of
from pytest_ood.tasks._normalization import tokens
from pytest_ood.tasks.question_answering import (
    exact_match,
    normalized,
    parse,
    says_none,
    token_f1,
)

EXPECTED = Path(__file__).parent / "expected"
XQUAD = Path(__file__).parents[2].parent / "shared" / "data" / "xquad"
CODES = sorted(languages())


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of expected values."""
    lines = (EXPECTED / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def rules_of(row: dict[str, Any]) -> Language:
    """Return the language whose rules are those of a row's scorer: SQuAD's are for English."""
    return ENGLISH if row["scorer"] == "squad" else find_language(row["language"])


@pytest.mark.parametrize("row", rows("answers.jsonl"), ids=lambda row: row["language"])
def test_scores_are_those_of_the_published_scorers(row: dict[str, Any]) -> None:
    """The values are what the scripts of SQuAD v1.1 and MLQA print; XQuAD's is SQuAD's."""
    answer, reference, language = row["answer"], row["reference"], rules_of(row)
    assert exact_match(answer, reference, language) == row["exact"]
    assert token_f1(answer, reference, language) == pytest.approx(row["f1"], abs=1e-12)


@pytest.mark.parametrize("row", rows("answers_apart.jsonl"), ids=lambda row: row["why"])
def test_scores_that_differ_from_mlqa_on_purpose(row: dict[str, Any]) -> None:
    """What Unicode holds for the same is the same; English has SQuAD's and SQuAD 2.0's rules."""
    answer, reference = row["answer"], row["reference"]
    language = find_language(row["language"])
    ours = exact_match(answer, reference, language), token_f1(answer, reference, language)
    assert ours == (row["exact"], row["f1"])
    assert ours != (row["mlqa_exact"], row["mlqa_f1"])


CHANGES: dict[str, Callable[[str, int, str], str]] = {
    "wider": lambda passage, start, right: passage[max(0, start - 6) : start + len(right) + 6],
    "capitals": lambda passage, start, right: f"{right.upper()}.",  # noqa: ARG005 - one signature
    "half": lambda passage, start, right: right[: (len(right) + 1) // 2],  # noqa: ARG005
}
"""An answer from a passage, where the right one starts there, and the right one."""


def answers_of(language: str, change: str) -> Iterator[tuple[str, str, str]]:
    """Yield the id, a changed answer and the right one of each of XQuAD's questions."""
    path = XQUAD / f"xquad.{language}.json"
    if not path.is_file():
        pytest.skip(f"the shared data {path} is not there")
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                right = question["answers"][0]
                said = CHANGES[change](paragraph["context"], right["answer_start"], right["text"])
                yield question["id"], said, right["text"]


@pytest.mark.parametrize(
    "total",
    [row for row in rows("xquad.jsonl") if not row["id"]],
    ids=lambda row: f"{row['language']}-{row['scorer']}-{row['change']}",
)
def test_scores_of_xquad_are_those_of_the_published_scorers(total: dict[str, Any]) -> None:
    """The scripts of SQuAD v1.1 and MLQA give the same sums, and the same for single questions."""
    keys = "language", "scorer", "change"
    single = {
        row["id"]: row for row in rows("xquad.jsonl") if all(row[key] == total[key] for key in keys)
    }
    exact, f1 = 0.0, 0.0
    for identifier, said, right in answers_of(total["language"], total["change"]):
        matches = exact_match(said, right, rules_of(total))
        share = token_f1(said, right, rules_of(total))
        exact, f1 = exact + matches, f1 + share
        if identifier in single:
            assert matches == single[identifier]["exact"]
            assert share == pytest.approx(single[identifier]["f1"], abs=1e-12)
    assert exact == total["exact"]
    assert f1 == pytest.approx(total["f1"], abs=1e-9)


@pytest.mark.parametrize(
    ("language", "answer", "same"),
    [
        ("fr", "la tour Eiffel", "tour Eiffel"),
        ("fr", "L\u2019école", "école"),
        ("fr", "l'eau", "eau"),
        ("it", "dell'acqua", "acqua"),
        ("it", "gli Alpi", "Alpi"),
        ("nl", "'t Hooft", "Hooft"),
        ("pt", "as Américas", "américas"),
        ("sv", "en sjö", "sjö"),
        ("tr", "İSTANBUL", "istanbul"),
        ("tr", "IĞDIR", "ığdır"),  # noqa: RUF001 - Turkish
        ("ru", "\u00abДым\u00bb\u2026", "дым"),
        ("de", "\u201eFaust\u201c", "faust"),
        ("zh", "东京塔\u3002", "东京塔"),
        ("zh", "\uff13天", "3天"),
        ("ja", "\uff21\uff29\u300c東京\u300d", "ai東京"),
        ("ja", "\uff76\uff9e\uff7d", "ガス"),
        ("ko", "서울!", "서울"),
        ("th", "กรุงเทพ ", "กรุงเทพ"),
        ("hi", "ताज महल\u0964", "ताज महल"),
    ],
)
def test_answers_that_are_the_same(language: str, answer: str, same: str) -> None:
    """Articles, punctuation, capitals and full-width forms make no difference."""
    assert exact_match(answer, same, find_language(language)) == 1.0
    assert token_f1(answer, same, find_language(language)) == 1.0


@pytest.mark.parametrize(
    ("language", "answer", "words"),
    [
        ("zh", "苹果 iPhone15手机", "苹 果 iphone15 手 机"),
        ("ja", "スーパーのTV", "ス ー パ ー の tv"),
        # A Thai vowel above its consonant, and a mark of tone, are no characters of their own.
        ("th", "ที่ 3", "ที่ 3"),
        ("ko", "대한민국 서울", "대한민국 서울"),
        ("de", "Rhein-Main 2", "rheinmain 2"),
    ],
)
def test_tokens_of_a_script(language: str, answer: str, words: str) -> None:
    """Characters where no spaces separate words, what spaces separate elsewhere."""
    assert tokens(answer, find_language(language)) == words.split()


@given(st.text(max_size=60) | st.text("aAnthe .,-\u201cİß\n'", max_size=40))
def test_english_is_as_before(text: str) -> None:
    """The rules of SQuAD's script, said again: no other language changes them."""
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    words = " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())
    assert normalized(text) == normalized(text, ENGLISH) == words
    assert tokens(text) == words.split()


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(CODES))
def test_scores_are_shares_in_every_language(answer: str, right: str, code: str) -> None:
    """F1 is symmetric, in [0, 1], and 1 for an exact match; nothing is left of punctuation."""
    language = find_language(code)
    f1 = token_f1(answer, right, language)
    assert 0.0 <= f1 <= 1.0
    assert f1 == token_f1(right, answer, language)
    assert exact_match(answer, right, language) <= f1
    if code != "en":
        assert not any(unicodedata.category(c)[0] == "P" for c in normalized(answer, language))


READ = [
    ("de", "Die Antwort lautet: \u201eParis\u201c.", "Paris"),
    ("de", "**Antwort:** Paris", "Paris"),
    ("de", "Die richtige Antwort ist Paris", "Paris"),
    ("de", "The answer is Paris.", "Paris"),
    ("de", "Die Antwortzeit beträgt 3 s", "Die Antwortzeit beträgt 3 s"),
    ("fr", "Réponse : \u00ab Paris \u00bb", "Paris"),
    ("fr", "La réponse correcte est Paris", "Paris"),
    ("es", "La respuesta es París.", "París"),
    ("es", "La respuesta inmune adaptativa", "La respuesta inmune adaptativa"),
    ("it", "La risposta è: Roma", "Roma"),
    ("pt", "A resposta final é Lisboa", "Lisboa"),
    ("nl", "Het antwoord is Delft", "Delft"),
    ("pl", "Odpowiedź: Łódź", "Łódź"),
    ("ru", "Ответ: Париж.", "Париж"),
    ("ru", "Ответ \u2014 Париж", "Париж"),
    ("tr", "Cevap: Ankara", "Ankara"),
    ("ar", "الجواب هو باريس", "باريس"),
    ("hi", "उत्तर: पेरिस\u0964", "पेरिस"),
    # The word for "answer" is that for "north", too.
    ("hi", "उत्तर कोरिया", "उत्तर कोरिया"),
    ("zh", "最终答案是\uff1a东京塔\u3002", "东京塔"),
    ("zh", "答案\uff1a\u300a红楼梦\u300b", "红楼梦"),
    ("ja", "答えは東京です\u3002", "東京"),
    ("ja", "答え\uff1a\u300c東京\u300d", "東京"),
    # Without an announcement the verb is a part of the answer.
    ("ja", "東京です", "東京です"),
    ("ko", "정답은 파리입니다.", "파리"),
]


@pytest.mark.parametrize(("language", "text", "answer"), READ, ids=ascii)
def test_the_answer_in_a_text(language: str, text: str, answer: str) -> None:
    """What announces and wraps an answer in its language is no part of it."""
    for name in ("extractive-qa", "closed-book-qa"):
        task = QuestionAnswering(name, language=language)  # type: ignore[arg-type]
        assert task.read(text, {}) == answer
        assert task.read(answer, {}) == answer


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ich weiß es nicht."),
        ("de", "Ich weiß es nicht. Vielleicht Paris."),
        ("de", "I don't know."),
        ("de", "The passage does not say."),
        ("fr", "Je ne sais pas."),
        ("es", "No lo sé."),
        ("ru", "Неизвестно."),
        ("zh", "我不知道\u3002"),
        ("zh", "答案\uff1a我不知道"),
        ("zh", "我不知道\u3002也许是东京\u3002"),
    ],
)
def test_an_answer_that_says_there_is_none(language: str, text: str) -> None:
    """In the language or in English: about a passage there is none, from memory none is known."""
    extractive = QuestionAnswering("extractive-qa", language=language)
    assert extractive.read(text, {}) == ""
    assert extractive.score(Prediction(""), Example("1", "q", "")) == 1.0
    assert QuestionAnswering("closed-book-qa", language=language).read(text, {}) is None


@pytest.mark.parametrize("code", CODES)
def test_every_phrase_of_a_language_says_none(code: str) -> None:
    """As a whole answer, in capitals too, and not as the beginning of a longer one."""
    language = find_language(code)
    for phrase in language.no_answer:
        assert says_none(phrase, language)
        assert says_none(f"{phrase.capitalize()}.", language)
        assert not says_none(f"{phrase} Paris 7", language)
    assert not says_none("Paris", language)
    assert not says_none("...", language)


def test_languages_are_known_by_tag() -> None:
    """A suite's language is found by any of its tags; without one it is English."""
    assert parse("extractive-qa", {}) == QuestionAnswering()
    assert parse("extractive-qa", {"language": "en-US"}) == QuestionAnswering()
    assert parse("closed-book-qa", {"language": "de-AT"}).language == "de"
    with pytest.raises(ConfigurationError, match="language"):
        parse("extractive-qa", {"language": "qqq"})


def test_rows_may_be_in_another_language_than_the_task() -> None:
    """Such an answer is read, chosen and scored by the rules of its row."""
    task = QuestionAnswering("extractive-qa", "exact-match")
    german = Example("1", "q", "Ufer", ("Der Rhein",), language="de")
    for said in ("Die Antwort ist: Rhein.", "Rhein", "der Rhein"):
        answer = as_read(task, Prediction(task.read(said, {}), text=said), german)
        assert task.truth(answer, german) == "Der Rhein"
        assert task.score(answer, german) == 1.0
        assert task.score(answer, Example("1", "q", "Ufer", ("Der Rhein",))) == (
            said == "der Rhein"
        )
    none = as_read(task, Prediction("Ich weiß es nicht"), german)
    assert none == Prediction("", text="Ich weiß es nicht")
    literal = as_read(task, Prediction("Unbekannt"), Example("1", "q", "unbekannt", language="de"))
    assert literal.label == "Unbekannt"
    chinese = QuestionAnswering(language="zh")
    assert chinese.score(Prediction("the Nile"), Example("1", "q", "Nile", language="en")) == 1.0
    assert chinese.score(Prediction("东京塔"), Example("1", "q", "东京")) == 0.8
    assert task.in_language("zh") == QuestionAnswering(
        "extractive-qa", "exact-match", language="zh"
    )
    assert task.in_language("") == task


def test_a_changed_label_keeps_its_probability() -> None:
    """An answer that is read again has the probability of the one that the model gave."""
    said = Prediction("Antwort: Rhein", {"Antwort: Rhein": 0.7})
    read = as_read(QuestionAnswering(), said, Example("1", "q", "Rhein", language="de"))
    assert read == Prediction("Rhein", {"Rhein": 0.7}, "Antwort: Rhein")


def test_votes_and_metrics_go_by_the_language_of_the_task() -> None:
    """They know no example."""
    french = QuestionAnswering(language="fr")
    assert french.ballot("La tour Eiffel.") == "tour eiffel"
    (exact,) = ExactMatch.for_task(french)
    assert exact.of_example("tour Eiffel", "la tour Eiffel", 1.0) == 1.0
    (f1,) = TokenF1.for_task(QuestionAnswering(metric="exact-match", language="zh"))
    assert f1.of_example("东京", "东京塔", 0.0) == 0.8
    assert ExactMatch.for_task(QuestionAnswering()) == (ExactMatch(),)


def test_stored_answers_of_another_language_are_others() -> None:
    """English has the hash of before, and any tag of a language the same one."""
    assert reading_of(QuestionAnswering()) == reading_of(QuestionAnswering(language="en-GB")) == ""
    german, french = QuestionAnswering(language="de"), QuestionAnswering(language="fr")
    assert len({reading_of(german), reading_of(french), ""}) == 3
    assert reading_of(german) == reading_of(QuestionAnswering(language="de-AT"))


def test_added_text_does_not_reveal_an_answer_of_its_language() -> None:
    """In a text without spaces, too, an answer that was added is noticed."""
    before = Example("1", "他在哪\uff1f", "东京", language="zh")
    revealing = "他在哪\uff1f他在东京\u3002"
    harmless = "他在哪\uff1f他在北京\u3002"
    assert label_unless_answer_added(before, revealing) is None
    assert label_unless_answer_added(before, harmless) == "东京"
