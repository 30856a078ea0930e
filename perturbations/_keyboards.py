"""Keyboard layouts: which keys stand next to each other, and what they write.

The tables are those of xkeyboard-config 2.35.1 (X.Org's package `xkb-data`), whose symbols `Table`
names; a test compares every letter with them. The two-set keyboard of Korean is that of KS X 5002,
which xkeyboard-config leaves to input methods. Each row is set off by less than a key to the right
of the one above, as on common keyboards.
"""

# Letters of other scripts stand alone here, where a linter takes them for Latin ones.

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol
from unicodedata import normalize

import regex

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.perturbations._capitals import DOTTED_DOWN, DOTTED_UP
from pytest_ood.perturbations._input_methods import Hangul, Kana, Pinyin
from pytest_ood.perturbations._scripts import MARK, letters
from pytest_ood.perturbations._words import LONG_WORD, WORD
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Position = tuple[int, int]
"""A key: its row from the top, from 0, and its column, by xkeyboard-config's numbers of keys.

Column 0 is left of the key of "1", of Q and of A (Tab and Caps Lock, without letters), and of Y or
Z. The key between Enter and Backspace on ANSI keyboards is column 13 of the row of Q; where ISO
keyboards have it, left of Enter, it is column 12 of the row of A.
"""

PLAIN, SHIFT, ALTGR, SHIFT_ALTGR = range(4)
"""The levels of a key: which modifiers are held."""

_MISSED = {PLAIN: (), SHIFT: (PLAIN,), ALTGR: (PLAIN,), SHIFT_ALTGR: (ALTGR, SHIFT)}
"""The levels at which a key is struck when one modifier of a level is missed."""

ACCENTS = {
    "`": "\u0300",
    "´": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "¨": "\u0308",
    "ˀ": "\u0309",
    "°": "\u030a",
    "ˇ": "\u030c",
    ".": "\u0323",
}
"""The combining marks of the keys that write nothing but an accent (dead keys)."""

_NONE = "·"
_CIRCLE = "\u25cc"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A layout as data.

    Attributes:
        rows: Four lines, from the row of digits to the row above the space bar; the keys of a row
            from column 0, with a space between two. A key lists what it writes at each level, with
            slashes between: "a", or "q/@/ä". A dot in the middle, or anything that is no letter,
            stands for no letter; a level that is left out or empty is the capital of the one before
            it where the script has capitals. Combining marks follow a dotted circle, and accents
            (`ACCENTS`) are dead keys, or marks that are typed behind the letter.
        symbols: The name of the symbols in xkeyboard-config; "" for a layout that is not there.
        accents: For each accent the small letters that it is put on.
        cased: Whether letters are capital or small.
        dotted: Whether the capital of "i" has a dot, and there is an "i" without one.
    """

    rows: str
    symbols: str
    accents: Mapping[str, str] = field(default_factory=dict)
    cased: bool = True
    dotted: bool = False

    @cached_property
    def keys(self) -> Mapping[Position, tuple[str, ...]]:
        """What each key writes at the four levels; "" for nothing, an accent for a dead key."""
        return {
            (row, column): self._levels(key)
            for row, line in enumerate(self.rows.strip().split("\n"))
            for column, key in enumerate(line.split())
        }

    def _levels(self, key: str) -> tuple[str, ...]:
        given = [level.removeprefix(_CIRCLE) for level in key.split("/")]
        levels = [*given, "", "", ""][:4]
        if self.cased:
            for small, shifted in ((PLAIN, SHIFT), (ALTGR, SHIFT_ALTGR)):
                letter = levels[small]
                if not levels[shifted] and letter not in ACCENTS:
                    levels[shifted] = self.capital(letter)
        return tuple(
            normalize("NFC", level) if level in ACCENTS or _is_letter(level) else ""
            for level in levels
        )

    def capital(self, letter: str) -> str:
        """Return the capital of a letter; "" where it has none of its own, as "ß" has none."""
        if not self.cased:
            return ""
        capital = letter.translate(DOTTED_UP if self.dotted else {}).upper()
        return capital if len(capital) == len(letter) and capital != letter else ""

    def small(self, letter: str) -> str:
        """Return the small letter of a letter, which may have combining marks."""
        if self.dotted:
            letter = normalized("NFC", letter).translate(DOTTED_DOWN)
        return letter.lower()


def _is_letter(text: str) -> bool:
    """Return whether the text that a key writes is a letter or a combining mark."""
    return bool(text) and text != _NONE and (text[0].isalpha() or bool(_MARK.match(text)))


_MARK = re.compile(f"[{MARK}]")

_VOWELS = "aeiou"
_GRAVE_TO_DIAERESIS = dict.fromkeys("`´^¨", _VOWELS)

TABLES: Mapping[str, Table] = {
    "ar": Table(
        symbols="ara",
        cased=False,
        rows="""
ذ/◌ّ
· ض/◌َ ص/◌ً ث/◌ُ ق/◌ٌ ف/لإ غ/إ ع ه خ ح ج د
· ش/◌ِ س/◌ٍ ي ب ل/لأ ا/أ ت ن م ك ط
· ئ ء/◌ْ ؤ ر لا/لآ ى/آ ة و ز ظ
""",
    ),
    "az": Table(
        symbols="az(latin)",
        dotted=True,
        rows="""
·
· q ü e r t y u i o p ö ğ
· a s d f g h j k l ı ə
· z x c v b n m ç ş
""",
    ),
    "bg": Table(
        symbols="bg(bds)",
        rows="""
·
· ·/ы у е и ш щ к с д з ц
· ь/ѝ я а о ж г т н в м ч
· ю й ъ э ф х п р л б
""",
    ),
    "bn": Table(
        symbols="bd",
        cased=False,
        rows="""
·
· ঙ/◌ং য/য় ড/ঢ প/ফ ট/ঠ চ/ছ জ/ঝ হ/ঞ গ/ঘ ড়/ঢ়
· ◌ৃ/◌ৗ/ঋ/ৠ ◌ু/◌ূ/উ/ঊ ◌ি/◌ী/ই/ঈ ব/ভ ◌্ ◌া/অ/আ ক/খ ত/থ/ৎ দ/ধ
· ◌ঁ/◌ঃ ◌ো/◌ৌ/ও/ঔ ◌ে/◌ৈ/এ/ঐ র/ল ন/ণ স/ষ ম/শ
""",
    ),
    "cs": Table(
        symbols="cz",
        accents={"´": "aeiouy", "ˇ": "cdenrstz", "°": "u", "¨": "aou"},
        rows="""
·/° · ě/2 š/3 č/4 ř/5 ž/6 ý/7 á/8 í/9 é/0 · ´/ˇ
· q w e r t z u i o p ú/·
· a s d f g h j k l ů/· · ¨
· y x c v b n m
""",
    ),
    "da": Table(
        symbols="dk",
        accents=_GRAVE_TO_DIAERESIS,
        rows="""
· · · · · · · · · · · · ´/`
· q w e r t y u i o p å ¨/^
· a s d f g h j k l æ ø
· z x c v b n m
""",
    ),
    "de": Table(
        symbols="de",
        accents=dict.fromkeys("`´^", _VOWELS),
        rows="""
^ · · · · · · · · · · ß/· ´/`
· q w e r t z u i o p ü
· a s d f g h j k l ö ä
· y x c v b n m
""",
    ),
    "el": Table(
        symbols="gr",
        accents={"´": "αεηιουω", "¨": "ιυ"},
        rows="""
·
· · ς ε ρ τ υ θ ι ο π
· α σ δ φ γ η ξ κ λ ´/¨
· ζ χ ψ ω β ν μ
""",
    ),
    "en": Table(
        symbols="us",
        rows="""
·
· q w e r t y u i o p
· a s d f g h j k l
· z x c v b n m
""",
    ),
    "es": Table(
        symbols="es",
        accents=_GRAVE_TO_DIAERESIS,
        rows="""
·
· q w e r t y u i o p `/^
· a s d f g h j k l ñ ´/¨ ç
· z x c v b n m
""",
    ),
    "fa": Table(
        symbols="ir(pes)",
        cased=False,
        rows="""
·
· ض/◌ْ ص/◌ٌ ث/◌ٍ ق/◌ً ف/◌ُ غ/◌ِ ع/◌َ ه/◌ّ خ ح ج چ
· ش/ؤ س/ئ ی/ي ب/إ ل/أ ا/آ ت/ة ن م ک گ
· ظ/ك ط/◌ٓ ز/ژ ر/◌ٰ ذ د/◌ٔ پ/ء و
""",
    ),
    "fi": Table(
        symbols="fi",
        accents=_GRAVE_TO_DIAERESIS,
        rows="""
· · · · · · · · · · · · ´/`
· q w e r t y u i o p å ¨/^
· a s d f g h j k l ö ä
· z x c v b n m
""",
    ),
    "fr": Table(
        symbols="fr(oss)",
        accents={"^": _VOWELS, "¨": "aeiouy"},
        rows="""
· · é/2 · · · · è/7 · ç/9 à/0
· a//æ z e r t y u i o//œ p ^/¨
· q s d f g h j k l m ù/·
· w x c v b n
""",
    ),
    "he": Table(
        symbols="il",
        cased=False,
        rows="""
·
· ·//◌ׂ ·//◌ׁ ק//◌ָ ר//◌ֳ א ט ו//◌ֹ ן ם פ//◌ַ ·//◌ֲ ·//◌ֿ ·//◌ֻ
· ש//◌ְ ד//◌ּ ג כ ע י ח//◌ִ ל ך ף
· ז ס//◌ֶ ב//◌ֱ ה נ מ צ//◌ֵ ת ץ
""",
    ),
    "hi": Table(
        symbols="in(deva)",
        cased=False,
        rows="""
◌ॊ/ऒ ·/ऍ ·/◌ॅ · · · · · · · · ·/◌ः ◌ृ/ऋ
· ◌ौ/औ ◌ै/ऐ ◌ा/आ ◌ी/ई ◌ू/ऊ ब/भ ह/ङ ग/घ द/ध ज/झ ड/ढ ◌़/ञ ◌ॉ/ऑ
· ◌ो/ओ ◌े/ए ◌्/अ ◌ि/इ ◌ु/उ प/फ र/ऱ क/ख त/थ च/छ ट/ठ
· ◌ॆ/ऎ ◌ं/◌ँ म/ण न/ऩ व/ऴ ल/ळ स/श ·/ष · य/य़
""",
    ),
    "hu": Table(
        symbols="hu",
        rows="""
· · · · · · · · · · ö ü ó
· q w e r t z u i o p ő ú
· a s d f g h j k l é á ű
í y x c v b n m
""",
    ),
    "it": Table(
        symbols="it",
        rows="""
· · · · · · · · · · · · ì/·
· q w e r t y u i o p è/é
· a s d f g h j k l ò/ç à/· ù/·
· z x c v b n m
""",
    ),
    "ko": Table(
        symbols="",
        cased=False,
        rows="""
·
· ㅂ/ㅃ ㅈ/ㅉ ㄷ/ㄸ ㄱ/ㄲ ㅅ/ㅆ ㅛ/ㅛ ㅕ/ㅕ ㅑ/ㅑ ㅐ/ㅒ ㅔ/ㅖ
· ㅁ/ㅁ ㄴ/ㄴ ㅇ/ㅇ ㄹ/ㄹ ㅎ/ㅎ ㅗ/ㅗ ㅓ/ㅓ ㅏ/ㅏ ㅣ/ㅣ
· ㅋ/ㅋ ㅌ/ㅌ ㅊ/ㅊ ㅍ/ㅍ ㅠ/ㅠ ㅜ/ㅜ ㅡ/ㅡ
""",
    ),
    "nb": Table(
        symbols="no",
        accents=_GRAVE_TO_DIAERESIS,
        rows="""
· · · · · · · · · · · · ·/`/´
· q w e r t y u i o p å ¨/^
· a s d f g h j k l ø æ
· z x c v b n m
""",
    ),
    "nl": Table(
        symbols="us(intl)",
        accents={**_GRAVE_TO_DIAERESIS, "~": "ano"},
        rows="""
`/~ · · · · · ·/^
· q w e r t y u i o p
· a s d f g h j k l · ´/¨
· z x c v b n m
""",
    ),
    "pl": Table(
        symbols="pl",
        rows="""
·
· q w e//ę r t y u i o//ó p
· a//ą s//ś d f g h j k l//ł
· z//ż x//ź c//ć v b n//ń m
""",
    ),
    "pt": Table(
        symbols="pt",
        accents={"`": _VOWELS, "´": _VOWELS, "^": _VOWELS, "~": "ano"},
        rows="""
·
· q w e r t y u i o p · ´/`
· a s d f g h j k l ç · ~/^
· z x c v b n m
""",
    ),
    "ro": Table(
        symbols="ro",
        rows="""
·
· q//â w e r t//ț y u i//î o p
· a//ă s//ș d f g h j k l
· z x c v b n m
""",
    ),
    "ru": Table(
        symbols="ru",
        rows="""
ё
· й ц у к е н г ш щ з х ъ
· ф ы в а п р о л д ж э
· я ч с м и т ь б ю
""",
    ),
    "sv": Table(
        symbols="se",
        accents=_GRAVE_TO_DIAERESIS,
        rows="""
· · · · · · · · · · · · ´/`
· q w e r t y u i o p å ¨/^
· a s d f g h j k l ö ä
· z x c v b n m
""",
    ),
    "ta": Table(
        symbols="in(tam_tamilnet)",
        cased=False,
        rows="""
·
· ஞ/ஶ ற/ஷ ந/ஸ ச/ஹ வ/ஜ ல ர ◌ை/ஐ ◌ொ/◌ோ ◌ி/◌ீ ◌ு/◌ூ
· ய ள ன க ப ◌ா/ழ த ம ட ◌்/ஃ ங
· ண ஒ/ஓ உ/ஊ எ/ஏ ◌ெ/◌ே ஔ/◌ௌ அ/ஆ இ/ஈ
""",
    ),
    "th": Table(
        symbols="th",
        cased=False,
        rows="""
· ๅ · · ภ ถ ◌ุ/◌ู ◌ึ ค ต จ ข ช
· ๆ ไ ◌ำ/ฎ พ/ฑ ะ/ธ ◌ั/◌ํ ◌ี/◌๊ ร/ณ น/ฯ ย/ญ บ/ฐ ล ฃ/ฅ
· ฟ/ฤ ห/ฆ ก/ฏ ด/โ เ/ฌ ◌้/◌็ ◌่/◌๋ า/ษ ส/ศ ว/ซ ง
· ผ ป แ/ฉ อ/ฮ ◌ิ/◌ฺ ◌ื/◌์ ท ม/ฒ ใ/ฬ ฝ/ฦ
""",
    ),
    "tr": Table(
        symbols="tr",
        dotted=True,
        rows="""
·
· q w e r t y u//û ı//î o//ô p ğ ü
· a//â s d f g h j k l ş i
· z x c v b n m ö ç
""",
    ),
    "uk": Table(
        symbols="ua",
        rows="""
·
· й ц у к е н г ш щ з х ї ґ
· ф і в а п р о л д ж є
· я ч с м и т ь б ю
""",
    ),
    "vi": Table(
        symbols="vn",
        accents=dict.fromkeys("`ˀ~´.", "aăâeêioôơuưy"),
        rows="""
· ă â ê ô ` ˀ ~ ´ . đ
· q w e r t y u i o p ư ơ
· a s d f g h j k l
· z x c v b n m
""",
    ),
}
"""The layouts whose keys write letters, by name: the tag of BCP 47 of the language.

Of several layouts of a language it is the default of xkeyboard-config, with three exceptions: Dutch
is typed with dead keys on the American layout, French on the layout that has "œ" as well, and Tamil
on that of the state. Letters under AltGr that a language does not use are left out.
"""

_TWO_SYLLABLES = re.compile(
    rf"(?:(?=[\uac00-\ud7a3]{{2}})|(?=(?:[^\W_]|[{MARK}]){{4}})){WORD.pattern}"
)
"""Two syllables of Korean are four keys or more, as many as those of other long words."""

_THAI = re.compile(rf"(?:[\u0e01-\u0e30\u0e32\u0e40-\u0e46][{MARK}]*){{2,4}}")
"""Up to four letters with their marks, of a script without spaces: as long as a word."""

_KANA = re.compile(
    "(?:[\u3041-\u3096\u30a1-\u30fa][\u3083\u3085\u3087\u30e3\u30e5\u30e7\u30fc]?){2,4}"
)
"""Up to four syllables of Japanese."""

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{2}")
"""Two characters of Chinese: as long as most words."""

_WORDS = {"ko": _TWO_SYLLABLES, "pinyin": _HAN, "romaji": _KANA, "th": _THAI}

LAYOUTS = tuple(sorted([*TABLES, "pinyin", "romaji"]))
"""The names of all layouts."""


class Layout(Protocol):
    """What somebody types on, key by key."""

    @property
    def words(self) -> re.Pattern[str]:
        """Matches the words in which slips are made, or as much of a run of letters."""
        ...

    def typed(self, word: re.Match[str]) -> list[tuple[str, Sequence[str]]]:
        """Split a word into what is typed at a time, each with what a slip gives instead."""
        ...

    def written(self, typed: Sequence[str]) -> str:
        """Return the word that is written by what is typed."""
        ...


@dataclass(frozen=True, eq=False)
class Keyboard:
    """A layout whose keys write letters.

    Attributes:
        table: The layout as data.
        words: Matches the words in which slips are made.
    """

    table: Table
    words: re.Pattern[str] = LONG_WORD

    @cached_property
    def slips(self) -> Mapping[str, tuple[str, ...]]:
        """For each letter what slips of one key write instead: letters of the same kind.

        These are the neighbouring keys with the same modifiers, the same key with a modifier less,
        and, for a letter with a dead key, the letter without the accent, with one whose key is next
        to the right one, and neighbours of the letter under the accent.
        """
        keys, slips = self.table.keys, dict[str, tuple[str, ...]]()
        for letter, (position, level) in self._positions.items():
            near = [
                *self._near(position, level),
                *(keys[position][less] for less in _MISSED[level]),
            ]
            slips[letter] = _kept(letter, near)
        composed = self._composed
        for (base, accent), letter in composed.items():
            if letter not in slips:
                others = [composed.get((base, other), "") for other in self._near_accents(accent)]
                around = self._near(*self._positions[base])
                others += [composed.get((other, accent), "") for other in around]
                slips[letter] = _kept(letter, [base, *others])
        # A capital without a key of its own is typed under Caps Lock.
        for letter in list(slips):
            capital = self.table.capital(letter)
            if capital and capital not in slips:
                slips[capital] = _kept(capital, map(self.table.capital, slips[letter]))
        return slips

    @cached_property
    def letters(self) -> frozenset[str]:
        """All letters and marks that can be typed; those of a key with two letters apart."""
        return frozenset("".join([*self.slips, *(s for all_ in self.slips.values() for s in all_)]))

    def slips_of(self, letter: str) -> Sequence[str]:
        """Return what slips of one key write instead of a letter.

        A letter with a mark that the layout lacks is typed as the letter without it.
        """
        if letter in self.slips:
            return self.slips[letter]
        if letter.isascii():
            return ()
        small = normalized("NFC", self.table.small(letter))
        key = next((k for k in (small, normalized("NFD", small)[0]) if k in self.slips), "")
        if letter.isupper():
            key = self.table.capital(key)
        return self.slips.get(key, ())

    def typed(self, word: re.Match[str]) -> list[tuple[str, Sequence[str]]]:
        """Split a word into letters with their marks; where marks have keys, into characters."""
        text = word.group()
        units = letters(text) if self.table.cased else self._characters.findall(text)
        return [(unit, self.slips_of(unit)) for unit in units]

    def written(self, typed: Sequence[str]) -> str:
        """Return the word."""
        return "".join(typed)

    @cached_property
    def _characters(self) -> re.Pattern[str]:
        """Matches one character, or as many as one key writes."""
        longer = sorted((key for key in self.slips if len(key) > 1), key=len, reverse=True)
        return re.compile("|".join([*map(re.escape, longer), r"[\s\S]"]))

    @cached_property
    def _positions(self) -> Mapping[str, tuple[Position, int]]:
        """The key of each letter and its level; dead keys are none.

        Of several keys that write the same letter, it is the one that needs fewer modifiers, then
        the one of the row of A: sigma has a key of its own, but its final form writes the capital
        as well.
        """
        positions: dict[str, tuple[Position, int]] = {}
        for level in range(4):
            for position in sorted(
                self.table.keys, key=lambda position: (abs(position[0] - 2), position)
            ):
                letter = self.table.keys[position][level]
                if letter and letter not in ACCENTS:
                    positions.setdefault(letter, (position, level))
        return positions

    @cached_property
    def _composed(self) -> Mapping[tuple[str, str], str]:
        """The letter of each small or capital letter and accent."""
        return {
            (base, accent): normalize("NFC", base + ACCENTS[accent])
            for accent, bases in self.table.accents.items()
            for small in bases
            for base in (small, self.table.capital(small))
        }

    def _near(self, position: Position, level: int) -> Iterator[str]:
        """Yield what the neighbours of a key write at a level, letters and accents."""
        row, column = position
        for one in (
            (row, column - 1),
            (row, column + 1),
            (row - 1, column),
            (row - 1, column + 1),
            (row + 1, column - 1),
            (row + 1, column),
        ):
            if one in self.table.keys:
                yield self.table.keys[one][level]

    def _near_accents(self, accent: str) -> Iterator[str]:
        """Yield what else the key of an accent writes, and what its neighbours write."""
        for position, levels in self.table.keys.items():
            if accent in levels:
                yield from levels
                yield from self._near(position, levels.index(accent))


def _kept(letter: str, others: Iterable[str]) -> tuple[str, ...]:
    """Return, once each, the other letters that are of a letter's kind."""
    return tuple(
        other
        for other in dict.fromkeys(others)
        if other and other != letter and other not in ACCENTS and _kind(other) == _kind(letter)
    )


@cache
def _kind(letter: str) -> tuple[str, str]:
    """Return whether a letter is a mark, a capital, or another one, and its part of a syllable.

    A vowel that stands alone in the place of a consonant would leave the signs of that without a
    letter.
    """
    case = "mark" if _MARK.match(letter) else "capital" if letter.isupper() else "letter"
    return case, next((part for part, one in _PARTS.items() if one.match(letter)), "")


_PARTS = {
    part: regex.compile(rf"\p{{Indic_Syllabic_Category={part}}}")
    for part in (
        "Bindu",
        "Consonant",
        "Nukta",
        "Tone_Mark",
        "Virama",
        "Pure_Killer",
        "Vowel",
        "Vowel_Dependent",
        "Vowel_Independent",
    )
}
"""The parts of syllables that Unicode tells apart in the scripts of India and its neighbours."""


@cache
def layout_of(name: str) -> Layout:
    """Return the layout of a name.

    Raises:
        ConfigurationError: there is none; the message has those that there are.
    """
    if name not in LAYOUTS:
        raise ConfigurationError(unknown_name("layout", name, LAYOUTS))
    words = _WORDS.get(name, LONG_WORD)
    if name == "ko":
        return Hangul(Keyboard(TABLES["ko"]).slips, words)
    if name == "pinyin":
        return Pinyin(Keyboard(TABLES["en"]).slips, words)
    if name == "romaji":
        return Kana(Keyboard(TABLES["en"]).slips, words)
    return Keyboard(TABLES[name], words)
