"""Input methods: texts of Korean, Japanese and Chinese, typed key by key.

Sources: for Korean the two-set keyboard (KS X 5002), and the arithmetic of syllables of the Unicode
Standard, section 3.12; for Japanese JIS X 4063, of whose spellings those in common use; for Chinese
the readings of the package pypinyin (MIT) and the more common level of GB 2312.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from pytest_ood.errors import require
from pytest_ood.perturbations._hangul import composed, is_syllable, parts
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator, Mapping, Sequence

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_TWO_KEYS = {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ",
    "ㅢ": "ㅡㅣ", "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ",
    "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
"""Letters that have no key of their own."""

_JOINED = {keys: letter for letter, keys in _TWO_KEYS.items()}


@dataclass(frozen=True, eq=False)
class Hangul:
    """The two-set keyboard of Korean: keys write letters, which are put together to syllables.

    Attributes:
        keys: For each letter with a key what slips write instead.
        words: Matches the words in which slips are made.
    """

    keys: Mapping[str, Sequence[str]]
    words: re.Pattern[str]

    def typed(self, word: re.Match[str]) -> list[tuple[str, Sequence[str]]]:
        """Split a word into its letters.

        An empty piece is where a typist ends a syllable, as before the last letters of a message.
        """
        typed: list[tuple[str, Sequence[str]]] = []
        apart = False
        for character in normalized("NFC", word.group()):
            was_apart, apart = apart, not is_syllable(character)
            if was_apart or apart:
                typed.append(("", ()))
            typed += [(key, self.keys.get(key, ())) for key in _keys_of(character)]
        return typed

    def written(self, typed: Sequence[str]) -> str:
        """Put letters together to syllables, from the left, as input methods do.

        A letter is the final of a syllable until a vowel follows, whose initial it becomes.

        Args:
            typed: The letters; "" between two syllables that shall not be joined.
        """
        written: list[str] = []
        initial = vowel = final = ""
        for key in typed:
            if key and key in _VOWELS:
                if final:
                    stays, moves = _parted(final)
                    written.append(_syllable(initial, vowel, stays))
                    initial, vowel, final = moves, key, ""
                elif vowel + key in _JOINED:
                    vowel = _JOINED[vowel + key]
                elif initial and not vowel:
                    vowel = key
                else:
                    written.append(_syllable(initial, vowel, final))
                    initial, vowel = "", key
                continue
            joined = _JOINED.get(final + key, final + key)
            if key and initial and vowel and joined in _FINALS:
                final = joined
                continue
            written.append(_syllable(initial, vowel, final))
            initial = vowel = final = ""
            if key and key in _INITIALS:
                initial = key
            else:
                written.append(key)
        return "".join([*written, _syllable(initial, vowel, final)])


def _keys_of(character: str) -> Iterator[str]:
    """Yield the letters of a syllable that have keys; any other character as it is."""
    if not is_syllable(character):
        yield character
        return
    initial, vowel, final = parts(character)
    for letter in (_INITIALS[initial], _VOWELS[vowel], _FINALS[final]):
        yield from _TWO_KEYS.get(letter, letter)


def _parted(final: str) -> tuple[str, str]:
    """Return what stays of a final when a vowel follows, and the new initial."""
    keys = _TWO_KEYS.get(final, final)
    return keys[:-1], keys[-1]


def _syllable(initial: str, vowel: str, final: str) -> str:
    """Return a syllable; a vowel or an initial alone as it is."""
    if not (initial and vowel):
        return initial + vowel
    return composed(_INITIALS.index(initial), _VOWELS.index(vowel), _FINALS.index(final))


_COLUMNS = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの",
    "h": "はひふへほ", "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ",
    "d": "だぢづでど", "b": "ばびぶべぼ", "p": "ぱぴぷぺぽ", "l": "ぁぃぅぇぉ", "x": "ぁぃぅぇぉ",
}  # fmt: skip
"""The syllables of each consonant, with the vowels a, i, u, e and o."""

_PALATAL = {
    "ky": "き", "sy": "し", "sh": "し", "ty": "ち", "ch": "ち", "ny": "に", "hy": "ひ", "my": "み",
    "ry": "り", "gy": "ぎ", "zy": "じ", "j": "じ", "by": "び", "py": "ぴ",
}  # fmt: skip
"""What stands before a small "ya", "yu" or "yo"."""

_SMALL = {"a": "ゃ", "u": "ゅ", "o": "ょ"}

_SYLLABLES = {
    **{c + v: kana for c, row in _COLUMNS.items() for v, kana in zip("aiueo", row, strict=True)},
    **{c + v: kana + small for c, kana in _PALATAL.items() for v, small in _SMALL.items()},
    "ya": "や", "yu": "ゆ", "yo": "よ", "wa": "わ", "wo": "を", "shi": "し", "chi": "ち",
    "tsu": "つ", "fu": "ふ", "ji": "じ", "fa": "ふぁ", "fi": "ふぃ", "fe": "ふぇ", "fo": "ふぉ",
    "she": "しぇ", "che": "ちぇ", "je": "じぇ", "thi": "てぃ", "dhi": "でぃ", "wi": "うぃ",
    "we": "うぇ", "va": "ゔぁ", "vi": "ゔぃ", "vu": "ゔ", "ve": "ゔぇ", "vo": "ゔぉ",
}  # fmt: skip
"""The syllables of Japanese by their spelling in Latin letters."""

_LONGEST = max(map(len, _SYLLABLES))
_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_KATAKANA = {hiragana: katakana for katakana, hiragana in _HIRAGANA.items()}


@dataclass(frozen=True, eq=False)
class Kana:
    """Japanese typed in Latin letters, syllable by syllable.

    Chinese characters stay as they are: their reading is not written.

    Attributes:
        keys: For each Latin letter what slips write instead.
        words: Matches the runs of syllables in which slips are made.
    """

    keys: Mapping[str, Sequence[str]]
    words: re.Pattern[str]

    @cached_property
    def slips(self) -> Mapping[str, tuple[str, ...]]:
        """For each syllable in hiragana those that slips of one key write instead."""
        found: dict[str, dict[str, None]] = {}
        for spelling, kana in _SYLLABLES.items():
            others = (_kana(other) for other in _misspelt(spelling, self.keys))
            found.setdefault(kana, {}).update((o, None) for o in others if o and o != kana)
        return {kana: tuple(others) for kana, others in found.items()}

    def typed(self, word: re.Match[str]) -> list[tuple[str, Sequence[str]]]:
        """Split a run into syllables, which are one or two characters."""
        text, position = word.group(), 0
        typed: list[tuple[str, Sequence[str]]] = []
        while position < len(text):
            pair = text[position : position + 2]
            unit = pair if pair.translate(_HIRAGANA) in self.slips else text[position]
            hiragana = unit.translate(_HIRAGANA)
            slips: Sequence[str] = self.slips.get(hiragana, ())
            if hiragana != unit:
                slips = [slip.translate(_KATAKANA) for slip in slips]
            typed.append((unit, slips))
            position += len(unit)
        return typed

    def written(self, typed: Sequence[str]) -> str:
        """Return the run."""
        return "".join(typed)


def _misspelt(spelling: str, keys: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a word with each letter replaced by each slip of its key."""
    for index, letter in enumerate(spelling):
        for slip in keys[letter]:
            yield spelling[:index] + slip + spelling[index + 1 :]


def _kana(spelling: str) -> str:
    """Return Latin letters as hiragana; "" where letters are left over."""
    written, position = "", 0
    while position < len(spelling):
        for length in range(_LONGEST, 0, -1):
            kana = _SYLLABLES.get(spelling[position : position + length])
            if kana and position + length <= len(spelling):
                break
        else:
            return ""
        written += kana
        position += length
    return written


_FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
"""Initials that speakers of other varieties of Chinese confuse."""

_FUZZY_FINALS = (("ing", "in"), ("eng", "en"), ("ang", "an"))
_AROUND = 4
"""Characters on both sides that readings go by: few phrases are longer."""

_CANDIDATES = 3
"""How many characters of a syllable are common: an input method shows about as many first."""

_PURPOSE = 'keyboard: layout = "pinyin"'
_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0304\u030c"))
_LEVEL_1 = range(0xB0, 0xD8)
"""The rows of the more common level of GB 2312, by their first byte."""


@dataclass(frozen=True, eq=False)
class Pinyin:
    """Chinese typed by its sound: a slip gives a common character of another syllable.

    Attributes:
        keys: For each Latin letter what slips write instead.
        words: Matches the characters in which slips are made.
    """

    keys: Mapping[str, Sequence[str]]
    words: re.Pattern[str]

    @cached_property
    def slips(self) -> Mapping[str, tuple[str, ...]]:
        """For each syllable the characters that slips write instead.

        Raises:
            MissingDependencyError: pypinyin is not installed.
        """
        common = _common_characters()
        return {
            syllable: tuple(
                character
                for other in dict.fromkeys([*_misspelt(syllable, self.keys), *_fuzzy(syllable)])
                for character in common.get(other, ())
            )
            for syllable in common
        }

    def typed(self, word: re.Match[str]) -> list[tuple[str, Sequence[str]]]:
        """Split a word into characters.

        Raises:
            MissingDependencyError: pypinyin is not installed.
        """
        text, start, end = word.string, word.start(), word.end()
        before = max(0, start - _AROUND)
        syllables = _readings(text[before : end + _AROUND])[start - before :]
        return [
            (character, [slip for slip in self.slips.get(syllable, ()) if slip != character])
            for character, syllable in zip(word.group(), syllables, strict=False)
        ]

    def written(self, typed: Sequence[str]) -> str:
        """Return the word."""
        return "".join(typed)


def _fuzzy(syllable: str) -> Iterator[str]:
    """Yield the syllables that are confused with one by their sound."""
    for one, other in _FUZZY:
        for initial, instead in ((one, other), (other, one)):
            if syllable.startswith(initial):
                yield instead + syllable.removeprefix(initial)
    for one, other in _FUZZY_FINALS:
        for final, instead in ((one, other), (other, one)):
            if syllable.endswith(final):
                yield syllable.removesuffix(final) + instead


def _readings(text: str) -> list[str]:
    """Return how each character of a text is typed; one that is not typed by sound as it is."""
    pypinyin = require("pypinyin", extra="languages", purpose=_PURPOSE)
    read: Callable[..., list[str]] = pypinyin.lazy_pinyin
    return read(text, errors=list)


@cache
def _common_characters() -> Mapping[str, Sequence[str]]:
    """Return the most common characters of each syllable, as it is typed.

    These are the ones of the first level of GB 2312 that most phrases of pypinyin have.
    """
    phrases: Mapping[str, list[list[str]]] = require(
        "pypinyin.phrases_dict", extra="languages", purpose=_PURPOSE
    ).phrases_dict
    rows = (bytes([row, cell]) for row in _LEVEL_1 for cell in range(0xA1, 0xFF))
    # Five cells at the end of the level are empty.
    characters = "".join(pair.decode("gb2312", errors="ignore") for pair in rows)
    counts = dict.fromkeys(zip(_readings(characters), characters, strict=True), 0)
    level = frozenset(characters)
    for phrase, readings in phrases.items():
        for character, (reading, *_) in zip(phrase, readings, strict=False):
            if character in level:
                key = (_plain(reading), character)
                counts[key] = counts.get(key, 0) + 1
    common: dict[str, list[str]] = {}
    for syllable, character in sorted(counts, key=lambda key: (key[0], -counts[key])):
        common.setdefault(syllable, []).append(character)
    return {syllable: all_[:_CANDIDATES] for syllable, all_ in common.items()}


@cache
def _plain(reading: str) -> str:
    """Return a syllable without its tone, with the "v" that "ü" is typed with."""
    letters = normalized("NFD", reading).translate(_TONES)
    return normalized("NFC", letters).replace("ü", "v")
