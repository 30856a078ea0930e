"""Numbers in languages other than English: their words, what they count, the marks in them.

Words are num2words', marks and digits those of the Unicode CLDR that Babel ships; both libraries
are loaded when the first text of another language is read.

A number is written as a word, or a word as a number, only where it counts something for certain: a
word that numbers of things follow on stands before it, and a counted thing behind it. What follows
shows the case, too: Russian has one word for five films, and another one for what is said in five
films. A number whose word depends on the gender of the thing is not written as a word.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import regex

from pytest_ood.languages import ENGLISH, Fits
from pytest_ood.languages.counting import OPENED
from pytest_ood.perturbations._capitals import capitalised
from pytest_ood.perturbations._english import code_spans, overlaps
from pytest_ood.perturbations._local_lexicons import LocalLexicon
from pytest_ood.perturbations._markup import MARKUP, outside
from pytest_ood.perturbations._words import word_set
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from re import Match

    from pytest_ood.languages import Language
    from pytest_ood.languages.counting import Counting

LARGEST = 999
"""The largest number that is written in words."""

ASCII_DIGITS = "0123456789"


@cache
def locale_of(language: Language) -> Any:
    """Return the locale of CLDR for a language, a `babel.Locale`; None where it has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language.code, sep="-")
    except (ValueError, UnknownLocaleError):
        return None


in_cldr = Fits(
    "languages of the Unicode CLDR",
    lambda language: language.code == ENGLISH.code or locale_of(language) is not None,
)

_ZEROS = {
    "arab": "\u0660",
    "arabext": "\u06f0",
    "beng": "\u09e6",
    "deva": "\u0966",
    "gujr": "\u0ae6",
    "guru": "\u0a66",
    "khmr": "\u17e0",
    "knda": "\u0ce6",
    "laoo": "\u0ed0",
    "mlym": "\u0d66",
    "mymr": "\u1040",
    "orya": "\u0b66",
    "tamldec": "\u0be6",
    "telu": "\u0c66",
    "thai": "\u0e50",
}
"""The digit zero by the numbering system of CLDR; the other nine follow it in Unicode."""


@cache
def native_numbering(language: Language) -> str:
    """Return the numbering system of CLDR of a language's own digits; "" for ASCII's alone."""
    locale = locale_of(language)
    native = str(locale.other_numbering_systems.get("native", "")) if locale else ""
    return native if native in _ZEROS else ""


@cache
def own_digits(language: Language) -> str:
    """Return the ten digits of a language's own, from zero on; "" for ASCII's alone."""
    zero = _ZEROS.get(native_numbering(language))
    return "".join(chr(ord(zero) + value) for value in range(10)) if zero else ""


@cache
def usual_digits(language: Language) -> str:
    """Return the ten digits that texts in a language are usually written with, from zero on."""
    native = native_numbering(language)
    usual = native and locale_of(language).default_numbering_system == native
    return own_digits(language) if usual else ASCII_DIGITS


def outside_code(
    sites: Callable[[str], Iterable[Match[str]]],
) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to those of its sites that are in no code and no address."""
    find = outside(MARKUP, sites)

    def found(text: str) -> Iterator[Match[str]]:
        """Yield the sites outside of code."""
        matches = list(find(text))
        code = (
            [span for span in code_spans(text) if _IN_CODE.search(text, *span)] if matches else []
        )
        yield from (match for match in matches if not overlaps(code, *match.span()))

    return found


_IN_CODE = regex.compile(r"[A-Za-z_=<>{}|\\@#`]")
"""Without any of these what looks like a path is a date: 05/03/2004."""


counts_in_words = Fits(
    "languages whose numbers can be written in words",
    lambda language: language.counting is not None,
)
reads_words = Fits(
    "languages whose numbers in words can be told from other words",
    lambda language: language.counting is not None and language.counting.writes_digits,
)


@cache
def _cardinal(value: int, code: str) -> str:
    """Return a number in words, in small letters."""
    from num2words import num2words

    if code == "tr" and value <= LARGEST:
        # num2words joins them, as cheques do.
        hundreds, rest = divmod(value, 100)
        parts = ([hundreds] if hundreds > 1 else []) + ([100] if hundreds else [])
        parts += [part for part in (rest // 10 * 10, rest % 10) if part]
        return " ".join(str(num2words(part, lang=code)) for part in parts or [0])
    return normalized("NFC", str(num2words(value, lang=code)))


def counting_of(language: Language) -> Counting:
    """Return how numbers in words count in a language that `counts_in_words` fits."""
    assert language.counting is not None, "unreachable because such a language fits"  # noqa: S101 - says why
    return language.counting


def in_words(value: int, language: Language) -> str:
    """Return a number from 0 to 999 in words, in small letters."""
    return _cardinal(value, counting_of(language).codes[0])


_ABBREVIATED = word_set(
    "kg km cm mm mg ml kb mb gb tb khz mhz ghz kw kwh db dpi kmh min sek sec std mio mrd mln mld "
    "tys zł gr kč eur usd px pct st sr кг км см мм мл гр мин хв сек ч час млн млрд тыс тис руб грн "
    "коп"
)
"""Units before which a number is in digits."""

_FRACTIONS = word_set(
    "viertel drittel fünftel achtel zehntel hälften quarts quart tiers cuartos cuartas tercios "
    "quartos terços quarti terzi kwart derde vierde fjärdedelar tredjedelar fjerdedele tredjedele "
    "firedeler tredjedeler четверти трети чверті третини čtvrtiny třetiny ćwierci sferturi treimi "
    "neljäsosaa kolmasosaa"
)
"""With these a number is a fraction."""

_NO_THINGS = _ABBREVIATED | _FRACTIONS

_NEAR = 60
"""Characters before a number that its context is read from."""

_LAST_WORDS = regex.compile(
    r"(?:(?P<earlier>[^\s]+)[ \u00a0])?(?P<word>[\p{L}\p{M}\u200c'\u2019]+)[ \u00a0]"
    r"[\"\u201c\u201e\u00ab]?\Z"
)
_STARTING = regex.compile(
    r"(?:[\p{Ll}\p{Lo}\p{M}]{5}\.|[!?\u2026\u0964\u061f])[\"\u201d\u00bb\u2019)]?\s+"
    r"[\"\u201c\u201e\u00ab\u00bf\u00a1]*\Z"
)
"""What ends before a sentence begins; a point behind a short word may be that of "No."."""

_NO_LETTERS = ' \t\n"\u201c\u201e\u00ab\u00bf\u00a1'
_STOP = regex.compile(r"[!?\u2026]|\.?[\"\u201d\u00bb)]*\s*\Z")
_MORE_DIGITS = regex.compile(r"[ \u00a0]?[-\u2013]?\p{N}")
_TOKENS = regex.compile(r"[\p{L}\p{M}\u200c'\u2019]+")


def _starts_a_sentence(text: str, start: int) -> bool:
    """Return whether a sentence begins at a position."""
    if start <= len(_NO_LETTERS) and not text[:start].strip(_NO_LETTERS):
        return True
    return _STARTING.search(text[max(0, start - 20) : start]) is not None


@cache
def _pattern(source: str) -> Any:
    return regex.compile(source)


@cache
def _months(language: Language) -> frozenset[str]:
    """Return the names of the months of a language, long and short, in small letters."""
    locale = locale_of(language)
    names = [
        name
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for name in locale.months[context][width].values()
    ]
    tokens = (regex.split(r"[\s'\u2019]", name.strip(".").lower())[-1] for name in names)
    # Where months are numbered, "month" alone is none.
    return frozenset(token for token in tokens if token.isalpha() and len(token) > 2)  # noqa: PLR2004


def is_counted(text: str, start: int, end: int, value: int, language: Language) -> bool:
    """Return whether a number counts what follows it, as far as a reader can tell for certain.

    Args:
        text: The text.
        start: The number's position in it.
        end: Its end.
        value: The number.
        language: The language of the text, one that numbers are written in words in.
    """
    counting = counting_of(language)
    counters = counting.counters and _pattern(counting.counters).match(text, end)
    if counting.lead != OPENED:
        return bool(counters)
    last = _LAST_WORDS.search(text[max(0, start - _NEAR) : start])
    word = _counting_word(last, counting)
    if last is not None and _is_misleading(last, word, value, counting):
        return False
    starting = _starts_a_sentence(text, start)
    if counters:
        # Behind a capital it may be the number of a name.
        free = last is not None and (last["word"].islower() or not language.script.cased)
        return bool(word) or free or starting
    is_few = counting.few and value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14)
    thing = _pattern(counting.few if is_few else counting.after).match(text, end)
    if thing is None:
        return bool(counting.alone and word and _STOP.match(text, end))
    return bool(word or starting) and _is_a_thing(thing, language)


def _counting_word(last: Any, counting: Counting) -> str:
    """Return the word before a number, if a number of things follows on it; "" else."""
    word = last["word"].lower() if last is not None else ""
    return next((w for w in (word, _behind_apostrophe(word)) if w in counting.before), "")


def _is_misleading(last: Any, word: str, value: int, counting: Counting) -> bool:
    """Return whether a number is one of two, a year, or one that is denied."""
    earlier = (last["earlier"] or "").lower()
    # "3 or 4 films", "from 3 to 5 films"
    linked = earlier[-1:].isdecimal() and len(last["word"]) <= _SHORT
    is_year = value > LARGEST // 10 and word in counting.periods
    return linked or is_year or earlier in counting.denials


def _is_a_thing(thing: Any, language: Language) -> bool:
    """Return whether what is behind a number is no unit, fraction or month, nor another number."""
    counted = thing["thing"].lower()
    if counted in _NO_THINGS or _MORE_DIGITS.match(thing.string, thing.end()):
        return False
    # "the 5 of March" in Spanish
    behind = _TOKENS.match(thing.string, thing.end() + 1) if len(counted) <= _SHORT else None
    named = {counted, _behind_apostrophe(behind[0].lower()) if behind else ""}
    return not named & _months(language)


_SHORT = 4
"""Letters of a word that may join two numbers, or a day and its month."""


def _behind_apostrophe(word: str) -> str:
    """Return the part of a word behind its last apostrophe: "ai" of "j'ai"."""
    return regex.split("['\u2019]", word)[-1]


@cache
def numbers_to_spell(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its numbers in digits that are also written as words.

    The group `number` of a match has the digits.
    """
    counting = counting_of(language)
    native = own_digits(language)
    digits = "[0-9]{1,3}" + (f"|[{native[0]}-{native[-1]}]{{1,3}}" if native else "")
    before = "[ ]?" if counting.glue == "" else ""
    behind = "[ ]?" if counting.glue is not None else ""
    numbers: Any = regex.compile(rf"{counting.lead}{before}(?P<number>{digits})(?!\p{{N}}){behind}")

    def found(text: str) -> Iterator[Match[str]]:
        """Yield the numbers of a text."""
        for match in numbers.finditer(text):
            value = int(match["number"])
            if (
                counting.fits(value)
                and str(value) == match["number"].translate(_to_ascii(language))
                and is_counted(text, match.start(), match.end(), value, language)
            ):
                yield match

    return outside_code(found)


@cache
def _to_ascii(language: Language) -> dict[int, str]:
    """Return the table that turns a language's own digits into those of ASCII."""
    return {ord(digit): str(value) for value, digit in enumerate(own_digits(language))}


def spelled(match: Match[str], language: Language) -> str:
    """Return a number that `numbers_to_spell` has found in words."""
    counting = counting_of(language)
    words = in_words(int(match["number"]), language)
    if language.script.cased and _starts_a_sentence(match.string, match.start()):
        words = capitalised(words, dotted=language.has_dotted_i)
    return words + (counting.glue or "")


@cache
def _number_words(language: Language) -> LocalLexicon:
    """Return the words for the numbers from 3 on, with their digits."""
    counting = counting_of(language)
    to_usual = str.maketrans(ASCII_DIGITS, usual_digits(language))
    entries: dict[str, list[str]] = {}
    for code in counting.codes:
        for value in range(3, LARGEST + 1):
            words = _cardinal(value, code).lower()
            # Arabic joins "and" to the word behind it, num2words does not.
            for form in {words, words.replace(" \u0648 ", " \u0648")}:
                if form not in counting.homographs:
                    entries.setdefault(form, [str(value).translate(to_usual)])
    return LocalLexicon(language, entries)


@cache
def number_words_in(language: Language) -> LocalLexicon | None:
    """Return what finds numbers from 0 to 999 in words, to leave them as they are; None if unknown.

    Words that mean something else as well are among them.
    """
    if language.counting is None:
        return None
    words = {_cardinal(n, code).lower() for code in language.counting.codes for n in _SPELLED}
    return LocalLexicon(language, dict.fromkeys(words, ()))


_SPELLED = range(LARGEST + 1)

_JOINS = word_set("y e et og och en und și و i a ja és và lẻ")
_PREFIXES = {"he": "\u05d5", "ar": "\u0648"}
"""What is "and" as the first letter of a word."""


@cache
def _parts(language: Language) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return short words of which numbers consist, and the beginnings of long ones."""
    counting = counting_of(language)
    scales = (1000, 2000, 5000, *(times * 10**power for power in (6, 9) for times in (1, 2, 5)))
    numbers = " ".join(_cardinal(n, c) for c in counting.codes for n in (*range(1000), *scales))
    tokens = {*regex.split(r"[\s-]+", numbers.lower().replace("\u2019", "'"))} - _JOINS
    # All but the last letter: that of an ordinal, or of another case, may be another one.
    stems = {token[: max(3, min(4, len(token) - 1))] for token in tokens if len(token) > 2}  # noqa: PLR2004
    short = {token for token in tokens if len(token) == 2}  # noqa: PLR2004
    return frozenset(short), (*sorted(stems), *counting.parts)


def _is_part(token: str, language: Language) -> bool:
    """Return whether a word may be a part of a number in words, a scale or an ordinal."""
    short, stems = _parts(language)
    token = token.lower().replace("\u2019", "'")
    prefix = _PREFIXES.get(language.code)
    bare = token[1:] if prefix and token.startswith(prefix) and len(token) > 3 else token  # noqa: PLR2004
    return bare in short or bare.startswith(stems) or token.startswith(stems)


def _goes_on(match: Match[str], language: Language) -> bool:
    """Return whether the word before or behind a number in words may belong to the number."""
    text = match.string
    if not language.script.spaced:
        return False
    near = text[max(0, match.start() - _NEAR) : match.start()]
    far = text[match.end() : match.end() + _NEAR]
    for words in (_TOKENS.findall(near)[::-1], _TOKENS.findall(far)):
        joined = words[:1] and words[0].lower() in _JOINS
        if any(_is_part(word, language) for word in (words[1:2] if joined else words[:1])):
            return True
    return False


@cache
def words_to_count(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its numbers in words that are also written in digits."""
    counting = counting_of(language)
    lexicon = _number_words(language)
    lead = regex.compile(counting.lead)

    def fits(match: Match[str]) -> bool:
        """Return whether a number in words counts something, and is no part of another one."""
        text, (start, end) = match.string, match.span()
        if lead.match(text, start) is None:
            return False
        if match[0] != match[0].lower() and not _starts_a_sentence(text, start):
            return False
        value = int(lexicon.options(match[0])[0])
        if counting.glue is not None:
            end += text.startswith(" ", end)
        return is_counted(text, start, end, value, language) and not _goes_on(match, language)

    return outside_code(lambda text: filter(fits, lexicon(text)))


def in_digits(match: Match[str], language: Language) -> str:
    """Return a number that `words_to_count` has found in digits."""
    return _number_words(language).options(match[0])[0]
