"""The facts of a language that perturbations, and the scorers of answers, go by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.languages.counting import Counting
    from pytest_ood.languages.scripts import Script


@dataclass(frozen=True)
class Announcement:
    """How a language announces an answer. All are patterns of the module `re`, in small letters.

    The words are those of MGSM's demonstrations (Shi et al. 2022, Language Models are Multilingual
    Chain-of-Thought Reasoners) in the languages that it has, and their translations in others.

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


@dataclass(frozen=True, kw_only=True, repr=False)
class Language:
    """A language.

    What a language lacks, or what nobody has written down yet, is empty; perturbations that go by
    it do not fit the language then. Words and phrases are in small letters, but for words that are
    always written with capitals, such as German nouns.

    Attributes:
        code: The tag of BCP 47, in small letters, such as "de".
        name: The English name.
        script: How it is written.
        alphabet: The small letters that a typist has, in the language's order; for Korean the jamo;
            empty where words are not typed letter by letter.
        layout: The usual keyboard layout (`perturbations/keyboard.py`).
        articles: Matches the articles that a comparison of answers ignores, in small letters; ""
            for none. A pattern of the module `re`.
        decimal: The mark before decimals.
        group: The mark between thousands.
        no_answer: What speakers answer who do not know, or whose passage does not say: whole
            sentences or words in small letters, without punctuation.
        announcement: How an answer is announced; None where nobody has written it down.
        powers_of_ten: The words behind a number that multiply it, by power of ten, as patterns of
            the module `re` in small letters: those of the compact forms of Unicode's CLDR, and of
            hundreds and thousands.
        no_option: "None of the above", as the last option of a question.
        counting: How numbers in words count; None where num2words does not write them right.
        fillers: What speakers put before a word while they search for it.
        interjections: What messages end in, and no mood goes with.
        sentences: Sentences that judge nothing, ask nothing and give no fact about a topic.
        contractions: For each phrase written out, its short forms: those that a
            reader takes for the same words, wherever they stand.
        abbreviations: For each word or phrase its abbreviations, both ways safe: whatever stands
            around them, the one can be written for the other.
        messages: For each word or phrase, what is written in messages to friends.
        homophones: For each word, other words or spellings that sound the same, as speakers
            confuse them.
        variants: For each letter or sequence of letters, how it is also written: without the mark
            that it should have, or with a look-alike of the same script.
        transliteration: For each letter or sequence, how it is written with plain Latin letters by
            those who lack its keyboard.
        particles: Particles that are left out in hasty writing, longest first; Korean and Japanese
            write them at the end of a word.
        code_mixed: For each word, the English word that bilingual speakers put in its place.
    """

    code: str
    name: str
    script: Script
    alphabet: str = ""
    layout: str = ""
    articles: str = ""
    decimal: str = "."
    group: str = ","
    no_answer: Sequence[str] = ()
    announcement: Announcement | None = None
    powers_of_ten: Mapping[int, str] = field(default_factory=dict)
    no_option: str = ""
    counting: Counting | None = None
    fillers: Sequence[str] = ()
    interjections: Sequence[str] = ()
    sentences: Sequence[str] = ()
    contractions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    abbreviations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    messages: Mapping[str, Sequence[str]] = field(default_factory=dict)
    homophones: Mapping[str, Sequence[str]] = field(default_factory=dict)
    variants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    transliteration: Mapping[str, Sequence[str]] = field(default_factory=dict)
    particles: Sequence[str] = ()
    code_mixed: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def has_dotted_i(self) -> bool:
        """Whether there are an `i` whose capital has a dot, and an `\u0131` that has none."""
        return "\u0131" in self.alphabet

    def __repr__(self) -> str:
        return f"Language({self.code!r})"

    def __hash__(self) -> int:
        return hash(self.code)
