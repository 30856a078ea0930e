"""Scripts: the writing systems of languages, and how words and letters stand in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Script:
    """A writing system.

    Attributes:
        code: The code of ISO 15924, such as "Latn".
        name: The English name.
        properties: The values of Unicode's property `Script` of its letters; Japanese is written in
            three.
        cased: Whether letters are capital or small.
        spaced: Whether spaces separate words.
        typed: Whether words are typed letter by letter, so that a slip of the hand gives another
            letter; not so for Chinese characters, nor where syllables are chosen from a list.
        joined: Whether letters join to their neighbours in writing, as those of Arabic do.
        right_to_left: Whether lines run from right to left.
        comma: The comma, with the space behind it where there is one.
        sentence_gap: What stands between two sentences.
    """

    code: str
    name: str
    properties: tuple[str, ...]
    cased: bool = False
    spaced: bool = True
    typed: bool = True
    joined: bool = False
    right_to_left: bool = False
    comma: str = ", "
    sentence_gap: str = " "

    @property
    def letter(self) -> str:
        """The body of a character class of its letters, for the module `regex`."""
        return "".join(rf"\p{{Script={name}}}" for name in self.properties)


LATIN = Script(code="Latn", name="Latin", properties=("Latin",), cased=True)
GREEK = Script(code="Grek", name="Greek", properties=("Greek",), cased=True)
CYRILLIC = Script(code="Cyrl", name="Cyrillic", properties=("Cyrillic",), cased=True)
ARABIC = Script(code="Arab", name="Arabic", properties=("Arabic",), joined=True, right_to_left=True)
HEBREW = Script(code="Hebr", name="Hebrew", properties=("Hebrew",), right_to_left=True)
DEVANAGARI = Script(code="Deva", name="Devanagari", properties=("Devanagari",))
BENGALI = Script(code="Beng", name="Bengali", properties=("Bengali",))
TAMIL = Script(code="Taml", name="Tamil", properties=("Tamil",))
THAI = Script(code="Thai", name="Thai", properties=("Thai",), spaced=False)
HANGUL = Script(code="Kore", name="Korean", properties=("Hangul",))
HAN = Script(
    code="Hans",
    name="Chinese",
    properties=("Han",),
    spaced=False,
    typed=False,
    comma="\uff0c",
    sentence_gap="",
)
JAPANESE = Script(
    code="Jpan",
    name="Japanese",
    properties=("Hiragana", "Katakana", "Han"),
    spaced=False,
    typed=False,
    comma="\u3001",
    sentence_gap="",
)
