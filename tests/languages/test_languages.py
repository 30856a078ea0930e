"""What holds for every language; a file that is added is picked up unnamed."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping
from unicodedata import normalize

import pytest
import regex
from babel import Locale

from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import ENGLISH, Language, find_language, languages
from pytest_ood.perturbations._keyboards import LAYOUTS

LISTS = ("no_answer", "fillers", "interjections", "sentences", "particles")
MAPPINGS = (
    "contractions",
    "abbreviations",
    "messages",
    "homophones",
    "variants",
    "transliteration",
    "code_mixed",
)
SMALL = ("contractions", "abbreviations", "messages", "homophones", "code_mixed")
"""Mappings of words, which have capitals in languages that always write them so."""

every_language = pytest.mark.parametrize("language", languages().values(), ids=str)
every_other = pytest.mark.parametrize(
    "language", [one for one in languages().values() if one is not ENGLISH], ids=str
)


def mappings(language: Language) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
    """Yield the facts of a language that give something for each phrase, by name."""
    for fact in MAPPINGS:
        yield fact, getattr(language, fact)


def phrases(language: Language) -> Iterator[str]:
    """Yield every word and phrase that is listed of a language."""
    for fact in LISTS:
        yield from getattr(language, fact)
    for fact, entries in mappings(language):
        for key, values in entries.items():
            # A letter may be left out, or be a space instead.
            yield from (key,) if fact in ("variants", "transliteration") else (key, *values)
    if language.no_option:
        yield language.no_option


def test_languages_are_sorted_and_named() -> None:
    """Every language is under its tag, with a name of its own."""
    assert list(languages()) == sorted(languages())
    assert all(code == language.code for code, language in languages().items())
    names = [language.name for language in languages().values()]
    assert len(set(names)) == len(names)
    assert languages()["en"] is ENGLISH


@every_language
def test_facts_are_written_plainly(language: Language) -> None:
    """Phrases are in Unicode's form C, with single spaces; keys have straight apostrophes."""
    for phrase in phrases(language):
        assert phrase == normalize("NFC", phrase), phrase
        assert phrase == " ".join(phrase.split()), phrase
        assert phrase, "nothing is listed"
    for fact, entries in mappings(language):
        assert not [key for key in entries if "\u2019" in key], fact


@every_language
def test_entries_say_something_else(language: Language) -> None:
    """No phrase is given for itself, and none twice."""
    for fact, entries in mappings(language):
        for key, values in entries.items():
            assert isinstance(values, tuple), (fact, key)
            assert values, (fact, key)
            assert key not in values, (fact, key)
            assert len(set(values)) == len(values), (fact, key)
    for fact in LISTS:
        listed = getattr(language, fact)
        assert isinstance(listed, tuple), fact
        assert len(set(listed)) == len(listed), fact


@every_language
def test_phrases_are_in_small_letters(language: Language) -> None:
    """Words have capitals in German, which writes nouns so, and seldom in other languages."""
    for fact in SMALL:
        keys = list(getattr(language, fact))
        small = [key for key in keys if key == key.lower()]
        if language.code != "de":
            assert len(small) >= 0.9 * len(keys), set(keys) - set(small)
    for fact in ("variants", "transliteration", "no_answer"):
        for entry in getattr(language, fact):
            assert entry == entry.lower(), entry


@every_language
def test_the_alphabet_is_of_the_script(language: Language) -> None:
    """Letters are of the language's script, each once, small, and one character each."""
    letters = list(language.alphabet)
    assert len(set(letters)) == len(letters)
    assert bool(letters) == language.script.typed
    for letter in letters:
        assert regex.fullmatch(rf"[{language.script.letter}]", letter), letter
        assert regex.match(r"\p{L}", letter), letter
        assert letter == letter.lower() == normalize("NFC", letter), letter


@every_language
def test_marks_in_numbers_are_those_of_cldr(language: Language) -> None:
    """The marks are those of Unicode's CLDR for numbers in the digits 0 to 9."""
    symbols = Locale.parse(language.code, sep="-").number_symbols["latn"]
    assert (language.decimal, language.group) == (symbols["decimal"], symbols["group"])


@every_language
def test_the_layout_exists(language: Language) -> None:
    """Every language has a keyboard."""
    assert language.layout in LAYOUTS


@every_language
def test_articles_are_a_pattern(language: Language) -> None:
    """The pattern compiles, is in small letters, and matches no empty text."""
    assert not language.articles or not re.compile(language.articles).match("")
    plain = re.sub(r"\\.", "", language.articles)
    assert plain == plain.lower()


@every_other
def test_what_has_no_rules_is_listed(language: Language) -> None:
    """A language has what most perturbations and scorers go by; English has rules for it."""
    for fact, least in (("sentences", 5), ("fillers", 3), ("no_answer", 5), ("homophones", 1)):
        assert len(getattr(language, fact)) >= least, fact
    assert language.no_option
    assert language.variants or language.transliteration


@every_language
def test_what_is_listed_is_in_the_script(language: Language) -> None:
    """Sentences and fillers have letters of the language's script, and of no other."""
    other = regex.compile(
        rf"(?V1)[\p{{L}}--[{language.script.letter}]--\p{{Script=Common}}--\p{{Script=Inherited}}]"
    )
    for fact in ("sentences", "fillers", "no_answer", "particles"):
        for phrase in getattr(language, fact):
            assert not other.search(phrase), phrase
    assert not other.search(language.no_option)


@every_language
def test_particles_are_longest_first(language: Language) -> None:
    """A particle that another one ends in comes behind it."""
    lengths = [len(particle) for particle in language.particles]
    assert lengths == sorted(lengths, reverse=True)


@every_language
def test_a_language_can_be_sent_to_another_process(language: Language) -> None:
    """A language is the same after pickling, hashes by its tag, and shows no lexicons."""
    copy = pickle.loads(pickle.dumps(language))
    assert copy == language
    assert hash(copy) == hash(language)
    assert len({copy, language}) == 1
    assert repr(language) == f"Language({language.code!r})"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-Latn-CH-1996", "de"),
        ("zh-Hans-CN", "zh"),
        ("en-GB", "en"),
    ],
)
def test_a_language_is_found_by_its_tag(tag: str, code: str) -> None:
    """Capitals do not matter; what is not known on its own is left out."""
    assert find_language(tag).code == code


def test_a_region_with_facts_of_its_own_is_found() -> None:
    """A tag with a region finds a file of that region, else the language's."""
    expected = "pt-br" if "pt-br" in languages() else "pt"
    assert find_language("PT-br").code == expected


@pytest.mark.parametrize(
    "tag", ["", "d", "german", "de_AT", "de-", "de AT", "\u0434\u0435", 5, None]
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """The message shows tags that are some."""
    with pytest.raises(ConfigurationError, match=r"is no language tag.*'pt-BR'"):
        find_language(tag)


@pytest.mark.parametrize("tag", ["xx", "xx-DE", "tlh"])
def test_a_language_that_is_missing_is_named(tag: str) -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigurationError, match=rf"{tag}.*{', '.join(languages())}"):
        find_language(tag)
