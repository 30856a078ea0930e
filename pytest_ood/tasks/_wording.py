"""How answers are announced in languages other than English: "the answer is".

The phrases are those of MGSM's demonstrations (Shi et al. 2022, Language Models are Multilingual
Chain-of-Thought Reasoners) in the languages that it has, and their translations in others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.languages import Language


@dataclass(frozen=True)
class Wording:
    """How a language announces an answer. All are patterns of the module `re`, in small letters.

    Attributes:
        noun: "Answer", with the article or adjective that may be joined to it.
        verb: "Is", or the particle in its place.
        end: The verb where it stands behind the answer; "" where it never does.
        minus: The word before a number below 0.
        at_once: Whether a number may follow the noun at once, as the verb comes last, or there is
            none.
    """

    noun: str
    verb: str
    end: str = ""
    minus: str = ""
    at_once: bool = False


WORDINGS: Mapping[str, Wording] = {
    "ar": Wording(
        "[وف]?(?:ال)?(?:جواب|إجابة|اجابة)(?: (?:النهائي|الصحيح)ة?)?",
        r"\b(?:هو|هي)\b",
        minus="سالب|ناقص",
    ),
    "az": Wording("cavab[ıi]?", r"\b(?:budur|belədir)\b", "d[ıiuü]r", "mənfi", at_once=True),
    "bg": Wording("отговор(?:ът|а)?", r"(?:\s?[\u2014\u2013]|\b(?:е|гласи)\b)", minus="минус"),
    "bn": Wording("উত্তর(?:টি)?", " (?:হল|হলো|হচ্ছে|হবে)", at_once=True),
    "cs": Wording("odpověď", r"\b(?:je|zní|činí)\b", minus="mínus"),
    "da": Wording("svaret?", r"\b(?:er|lyder)\b", minus="minus"),
    "de": Wording("antwort|lösung", r"\b(?:ist|lautet|wäre|beträgt)\b", minus="minus"),
    "el": Wording("απάντηση", r"\bείναι\b", minus="μείον|πλην"),
    "es": Wording("respuesta(?: (?:final|correcta|corta))?", r"\b(?:es|sería)\b", minus="menos"),
    "fa": Wording(
        "(?:پاسخ|جواب)(?: (?:نهایی|صحیح|درست))?",
        r"\b(?:برابر با|برابر است با|عبارت است از)\b",
        r"\s(?:است|می[\s\u200c]?باشد)",
        "منفی",
        at_once=True,
    ),
    "fi": Wording("vastaus", r"\b(?:on|kuuluu)\b", minus="miinus"),
    "fr": Wording(
        "réponse(?: (?:finale|correcte|courte))?", r"\b(?:est|serait)\b(?: de\b)?", minus="moins"
    ),
    "he": Wording("ה?תשובה(?: (?:הסופית|הנכונה))?", r"\b(?:היא|הוא)\b", minus="מינוס"),
    "hi": Wording("उत्तर|जवाब", " (?:यह )?(?:है|होगा)", r"\s(?:है|हैं|होगा)", "ऋण|माइनस", at_once=True),
    "hu": Wording("válasz", r"\baz\b", minus="mínusz", at_once=True),
    "it": Wording("risposta(?: (?:finale|corretta|esatta))?", r"\b(?:è|sarebbe)\b", minus="meno"),
    "ja": Wording(
        "答え|解答|回答", "[はが]、?", "(?:です|である|になります|となります|だ)", "マイナス"
    ),
    "ko": Wording(
        "정답|해답|답변|답", r"[은는](?=\W|\d)", r"\s?(?:입니다|이다|이에요|예요)", "마이너스"
    ),
    "nl": Wording("antwoord", r"\b(?:is|luidt)\b", minus="min"),
    "nb": Wording("svaret?", r"\b(?:er|lyder)\b", minus="minus"),
    "pl": Wording("odpowied(?:ź|zią)", r"\b(?:to|jest|brzmi|wynosi)\b", minus="minus"),
    "pt": Wording("resposta(?: (?:final|correta|certa|curta))?", r"\b(?:é|seria)\b", minus="menos"),
    "ro": Wording("răspunsul?(?: (?:final|corect))?", r"\b(?:este|e|ar fi)\b", minus="minus"),
    "ru": Wording(
        "ответ(?:ом)?",
        r"(?:\s?[\u2014\u2013]|\s-(?=\s)|\b(?:это|равен|является|будет)\b)",
        minus="минус",
    ),
    "sv": Wording("svaret?", r"\b(?:är|lyder|blir)\b", minus="minus"),
    "ta": Wording("பதில்|விடை", " (?:என்பது|ஆனது)", r"\s(?:ஆகும்)", at_once=True),
    "th": Wording("คำตอบ(?:สุดท้าย|ที่ถูกต้อง)?", r"\s?(?:คือ|เท่ากับ|เป็น)", minus="ลบ"),
    "tr": Wording(
        "cevap|yanıt|cevabı|yanıtı",
        r"\b(?:şudur|şu)\b",
        r"['\u2019](?:d[ıiuü]r|t[ıiuü]r)",
        "eksi",
        at_once=True,
    ),
    "uk": Wording(
        "відповід(?:ь|дю)",
        r"(?:\s?[\u2014\u2013]|\s-(?=\s)|\b(?:це|є|дорівнює)\b)",
        minus="мінус",
    ),
    "vi": Wording(
        "(?:câu trả lời|đáp án|đáp số)(?: (?:cuối cùng|đúng))?", r"\b(?:là|bằng)\b", minus="âm"
    ),
    "zh": Wording("答案|回答", "(?<!不)(?:是|为|為)", minus="负|負"),
}
"""The announcements, by the tag of the language."""

_MARKUP = r"[\s*_`~]*+"
_BRACKETS = r"(?:\([^()\n]{0,100}+\)|\[[^\[\]\n]{0,100}+\])"
_PHRASE = (
    r"[^.,;:!?()\[\]\n\d=\u2026\u3001\u3002\uff0c\uff1a\uff01\uff1f\u0964\u060c\u061f\u06d4]{0,40}?"
)
"""What may stand between "answer" and its verb, such as "to the question"."""
_COLON = "[:\uff1a]"
_STOPS = "!.\u3002\uff0e\uff01\u0964\u06d4"


@cache
def number_announced(language: Language) -> re.Pattern[str] | None:
    """Return what matches the words before a number that is the answer; None if none are known."""
    wording = _wording(language)
    if wording is None:
        return None
    # After a bare colon a whole chain of thought may follow: only a number at once is an answer.
    bare = rf"{_MARKUP}{_COLON}(?=\W{{0,20}}\d)"
    if wording.at_once:
        bare += r"|\s[*_`]{0,3}(?=\W{0,3}\d)"
    return re.compile(
        rf"{_boundary(language)}(?:{wording.noun})(?:{_MARKUP}{_BRACKETS})?"
        rf"(?:{_PHRASE}(?:{wording.verb})|{bare})",
        re.IGNORECASE,
    )


@cache
def words_announced(language: Language) -> re.Pattern[str] | None:
    """Return what matches the words at the start of a line before an answer in words, or None."""
    wording = _wording(language)
    if wording is None:
        return None
    # "The correct" before the noun; without spaces between words as many characters.
    before = r"(?:[^\s:.!?]{1,15}\s){0,2}?" if language.script.spaced else r"[^\W\d_]{0,5}?"
    return re.compile(
        rf"{before}(?:{wording.noun})[*_`]{{0,3}}"
        rf"(?:\s?{_COLON}|\s?(?:{wording.verb})\s?{_COLON}?)",
        re.IGNORECASE,
    )


@cache
def end_of_words(language: Language) -> re.Pattern[str] | None:
    """Return what matches the verb, and the full stop, behind an announced answer, or None."""
    wording = _wording(language)
    if wording is None or not wording.end:
        return None
    return re.compile(rf"(?:{wording.end})[{_STOPS}]?\Z")


@cache
def minus(language: Language) -> re.Pattern[str] | None:
    """Return what matches a minus as a word, the text before it in the group `before`, or None.

    The word is none between two terms.
    """
    wording = _wording(language)
    if wording is None or not wording.minus:
        return None
    return re.compile(
        rf"(?P<before>(?:\A|[=:({{\n]|(?:{wording.verb}))[\s*_`]{{0,4}})"
        rf"(?:{wording.minus})\s?(?=\.?\d)",
        re.IGNORECASE,
    )


def _wording(language: Language) -> Wording | None:
    return WORDINGS.get(language.code) or WORDINGS.get(language.code.partition("-")[0])


def _boundary(language: Language) -> str:
    return r"(?<!\w)" if language.script.spaced else ""
