"""Parses the label from an answer in free text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from unicodedata import category

from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text that are separated by spaces."""
    return frozenset(words.split())


ANSWER_KEYS = ("label", "answer", "final_answer", "final answer")
"""Fields of a JSON object that contain the answer; other fields are ignored if there is one."""

INVISIBLE = (
    "\u00ad\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064"
    "\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters without width and meaning; not joiners, which shape letters and emoji."""

_UNSEEN = str.maketrans("", "", INVISIBLE)

NEGATIONS = word_set(
    "not no non nor never neither none nothing without hardly barely scarcely rarely seldom "
    "lack lacks lacked lacking unlikely cannot isnt wasnt dont doesnt didnt arent werent cant "
    "couldnt wouldnt shouldnt hasnt havent wont nicht kein keine keinen keinem keiner keines "
    "nie niemals weder ohne pas ne jamais sans aucun aucune ni nunca ning\xfan ninguna "
    "tampoco jam\xe1s senza nessun nessuna n\xe3o sem nem niet geen nooit zonder inte ikke "
    "aldrig \u043d\u0435 \u043d\u0438 \u043d\u0435\u0442 \u0431\u0435\u0437"
) | frozenset("\u4e0d\u975e\u6ca1\u6c92\u65e0\u7121\u672a")
"""Words of European languages and Chinese characters that negate what follows, as do words that end
in "n't". Words with another meaning in English (sin, mai) are left out."""

_DENYING = frozenset(
    (
        ("far", "from"),
        ("anything", "but"),
        ("less", "than"),
        ("devoid", "of"),
        ("free", "of"),
        ("short", "of"),
        ("rather", "than"),
        ("instead", "of"),
        ("opposed", "to"),
        ("fails", "to"),
        ("failed", "to"),
        ("opposite", "of"),
        ("absence", "of"),
    )
)
"""Pairs of words that negate what follows."""

_BREAKS = frozenset(".,;:!?\u2026\u3002\u3001\n")
"""Tokens that end the scope of a negation."""

MOST_BRACES = 1000
"""The most opening braces that are tried as the beginning of a JSON object."""

_THOUGHT_MARK = re.compile(
    r"<(?P<slash>/)?(?:think|thinking|thoughts?|reasoning|seed:think)\s*>|\[(?P<mistral>/)?THINK\]"
    r"|\u25c1(?P<kimi>/)?think\u25b7|<\|(?:begin|(?P<end>end))_of_thought\|>",
    re.IGNORECASE,
)
"""Marks around reasoning: of most models; of Mistral's; of Kimi's; of OpenThinker's."""
_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|\\[{}]|(?P<open>\{)|(?P<close>\})")
_TAG = re.compile(r"<(?P<end>/)?(?:final[_ -]?)?answer>", re.IGNORECASE)

_CHANNEL = "<|channel|>"
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\b[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_END_OF_CHANNEL = re.compile(r"<\|(?:end|return|call)\|>")
_BARE_CHANNELS = ("analysis", "assistantfinal")
"""The rest of OpenAI's harmony format after a server has removed its marks."""

_ANNOUNCING = re.compile(
    r"(?:[^\w\n]|_){0,20}+(?:(?:my|the|final|correct|predicted|overall)\s){0,3}"
    r"(?:answer|label|antwort|r\u00e9ponse|respuesta|risposta|resposta|\u043e\u0442\u0432\u0435\u0442"
    r"|\u7b54\u6848|\u6807\u7b7e)(?:[*_`\"']|\s){0,9}(?:[:\uff1a]|\Z)",
    re.IGNORECASE,
)
"""The beginning of a line that announces the answer."""
NEXT_TASK = re.compile(
    r"(?:[^\w\n]|_){0,20}+(?:review|text|question|q|input|sentence|premise|hypothesis|passage|context)"
    r"(?:\s?\d{1,3})?(?:[*_`]|\s){0,9}[:\uff1a]",
    re.IGNORECASE,
)
"""The beginning of a line with which a model continues to the next input."""
_SMALL_WORD = re.compile(
    r"(?<!\S)(?P<word>[aA](?![ \t]+(?:is|was|or|and|because|since|as|but|not|nor|if|than|rather"
    r"|seems|would|it|the|this|that|my|due)\b)"
    r"|I(?![ \t]+(?:is|or|and|because|since|as|nor|than)\b))(?=[ \t]+[^\W\d_])"
)
_CHOICE = re.compile(
    r"\b(?:option|choice|answer|label|letter|class|category|type|group)[ \t]+\Z", re.IGNORECASE
)
_LETTERED = re.compile(r"(?<![^\W_])[A-Za-z](?:[*_`\"')]){0,3}\s?[:)\u2013\u2014-]\s{1,3}\Z")
"""A label before a sentence: C: A film."""
_DETERMINER = re.compile(
    r"(?<=\S)(?P<gap>[ \t]+)no(?=[ \t]+(?!(?:is|was|or|and|because|since|as|but|not|nor|if|it|the"
    r"|this|that|there|my|i|we|he|she|they|you|yes|would|due|for)\b)[^\W\d_])",
    re.IGNORECASE,
)
"""The "no" of "no doubt", which is not the label "no"."""
_INTERJECTIONS = word_set(
    "yes no true false ja nein nee oui non s\xed si sim n\xe3o \u0434\u0430 \u043d\u0435\u0442"
)
"""Words that are an answer if a clause ends after them, whatever follows."""
_JOINING = frozenset(
    ("or", "and", "but", "also", "maybe", "perhaps", *".,;:!?\u2026\u3002\u3001\n")
)

_TOKENS = re.compile(r"(?<!w)[+-]?d+(?:[.,]d+)*(?!w)|i|[wd]+(?:'[wd]+)*|\S|\n")
"""Numbers, ideographs, words and other characters, in the alphabet of `_kind`."""


def parse_answer(text: str, label_words: Mapping[str, str]) -> str | None:
    """Return the label that an answer names, or None if it names none or several.

    Label words are found as whole words, ignoring case, punctuation, quotes and markup around them;
    if words contain each other, the longest counts. Reasoning (`<think>`) and invisible characters
    are removed first. The first of these that names exactly one label decides:

    1. the last tag or box for the answer;
    2. the first line with any text, if it begins with the label;
    3. a line that announces the answer ("Answer:");
    4. the first line;
    5. a JSON object, by its field "label" or "answer", or else by all its values;
    6. the whole text.

    A label after a negation in the same clause ("not positive") could mean any other label, so that
    the answer names none.

    Args:
        text: The generated text.
        label_words: The word, or the words, for each label.
    """
    words = {label: visible(word) for label, word in label_words.items()}
    said = visible(without_thoughts(text))
    for marked in (last_tagged(said), last_box(said)):
        label = None if marked is None else _only(named_labels(marked, words))
        if label is not None:
            return label
    # Lines are searched before the first JSON object; without one, in the whole text.
    objects = json_values(said, json.JSONDecoder(), MOST_BRACES)
    start, json_object = next(objects, (len(said), None))
    lines = [line for line in said[:start].splitlines() if line.strip()]
    label = _of_lines(lines, words) if lines else None
    if label is None:
        label = _only(named_labels(said if json_object is None else _answer_of(json_object), words))
    return label


def _only(named: set[str | None]) -> str | None:
    """Return the label of a set of one, and None for any other set."""
    return next(iter(named)) if len(named) == 1 else None


def _of_lines(lines: list[str], words: Mapping[str, str]) -> str | None:
    """Return the label of the first line, or of a later line that announces the answer.

    A first line that begins with its label is the answer. Otherwise it may be reasoning, so that a
    line that announces the answer counts instead, unless it comes after the next input.
    """
    label = _only(named_labels(lines[0], words))
    if label is not None and _begins_with(lines[0], words[label]):
        return label
    for index, line in enumerate(lines):
        if index and NEXT_TASK.match(line):
            break
        announced = _ANNOUNCING.match(line)
        if announced:
            rest = line[announced.end() :]
            if not any(map(str.isalnum, rest)) and index + 1 < len(lines):
                rest = lines[index + 1]
            named = _only(named_labels(rest, words))
            if named is not None:
                return named
    return label


def _begins_with(line: str, word: str) -> bool:
    """Return whether a line begins with a word, ignoring punctuation before it."""
    tokens, wanted = _tokens(line), _tokens(word)
    first = next((i for i, token in enumerate(tokens) if token not in _BREAKS), 0)
    return not wanted or tokens[first : first + len(wanted)] == wanted


def _without_small_words(text: str, words: Mapping[str, str]) -> str:
    """Remove the article "a", "I" and the "no" of "no doubt" if labels have these words.

    A capital A in the middle of a sentence is a label; an article precedes a word.
    """

    def judged(match: re.Match[str]) -> str:
        """Return the word if it is a label, otherwise a space."""
        word = match["word"]
        before = text[max(0, match.start() - 20) : match.start()]
        starts = not before.strip() or before.rstrip(" \t")[-1] in ".!?\n"
        starts = starts or bool(_LETTERED.search(before))
        is_label = (
            word.casefold() not in folded or _CHOICE.search(before) or (word == "A" and not starts)
        )
        return word if is_label else " "

    folded = {_folded(word) for word in words.values()}
    if folded & {"a", "i"}:
        text = _SMALL_WORD.sub(judged, text)
    if "no" in folded:
        text = _DETERMINER.sub(r"\g<gap>not", text)
    return text


def _interjected(tokens: list[str], words: Mapping[str, list[str]]) -> str | None:
    """Return the label of an interjection at the beginning of a text: Yes, no doubt."""
    first = next((i for i, token in enumerate(tokens) if token not in _BREAKS), len(tokens))
    if tokens[first + 1 : first + 2] and tokens[first + 1] in _BREAKS - {"\n"}:
        meant = [label for label, word in words.items() if word == [tokens[first]]]
        other = {token for word in words.values() for token in word} | _JOINING
        if len(meant) == 1 and tokens[first] in _INTERJECTIONS and {*tokens[first:]} - other:
            return meant[0]
    return None


def visible(text: str) -> str:
    """Return a text without invisible characters, such as soft hyphens and byte order marks."""
    return text.translate(_UNSEEN)


def without_thoughts(text: str) -> str:
    """Return a generated text without reasoning.

    Reasoning is between marks such as `<think>` and `</think>`. Many chat templates open it in the
    prompt, so that the text only has the closing mark: all before it is reasoning. Reasoning
    without a closing mark was cut off, and has no answer after it. Of several channels (OpenAI's
    harmony format) the final one is the answer.
    """
    if _CHANNEL in text:
        finals = list(_FINAL_CHANNEL.finditer(text))
        said = text[finals[-1].end() :] if finals else ""
        return _END_OF_CHANNEL.split(said, maxsplit=1)[0]
    thought, final = _BARE_CHANNELS
    if text.lstrip().startswith(thought) and final in text:
        return text.rpartition(final)[2]
    parts: list[str] = []
    position, inside = 0, ""
    for match in _THOUGHT_MARK.finditer(text):
        closes = match.lastgroup is not None
        kind = re.sub(r"/|\s|begin|end", "", match[0]).casefold()
        if inside and (not closes or kind != inside):
            continue  # a mark that is quoted in the reasoning
        if not inside and closes:
            parts.clear()
        elif not inside:
            parts.append(text[position : match.start()])
        inside = "" if closes else kind
        position = match.end()
    return "".join(parts) + ("" if inside else text[position:])


def is_thought_mark(text: str) -> bool:
    """Return whether a text is a mark around reasoning, such as `<think>`, and nothing else."""
    return _THOUGHT_MARK.fullmatch(text) is not None


def open_thought(text: str) -> str:
    """Return the end of a text from the mark of reasoning that it does not close; "" for none."""
    if _CHANNEL in text:
        return "" if _FINAL_CHANNEL.search(text) else text[text.rfind(_CHANNEL) :]
    if without_thoughts(f"{text}.").endswith("."):
        return ""
    *_, last = _THOUGHT_MARK.finditer(text)
    return text[last.start() :]


def split_thoughts(text: str) -> tuple[str, str]:
    """Return the reasoning at the beginning of a generated text, with its marks, and the rest."""
    if open_thought(text):
        return text, ""
    said = without_thoughts(text)
    return (text.removesuffix(said), said) if text.endswith(said) else ("", text)


def named_labels(text: str, label_words: Mapping[str, str]) -> set[str | None]:
    """Return the labels that a text names, and None for a negated label."""
    tokens = _tokens(_without_small_words(text, label_words))
    words = {label: _tokens(word) for label, word in label_words.items()}
    # A label word without letters, such as "-", has no tokens: it has to be the whole text.
    same = {label for label, word in label_words.items() if _folded(word) == _folded(text)}
    if same:
        return {*same}
    interjected = _interjected(tokens, words)
    if interjected is not None:
        return {interjected}
    named: set[str | None] = set()
    position, denied = 0, False
    while position < len(tokens):
        here = {
            label: len(word)
            for label, word in words.items()
            if word and tokens[position : position + len(word)] == word
        }
        longest = max(here.values(), default=0)
        if longest:
            meant = {label for label, length in here.items() if length == longest}
            named |= {None} if denied else meant
        elif tokens[position] in _BREAKS:
            denied = False
        else:
            denied = (
                denied
                or tokens[position] in NEGATIONS
                or tokens[position].endswith("n't")
                or tuple(tokens[position : position + 2]) in _DENYING
            )
        position += longest or 1
    return named


def _folded(text: str) -> str:
    """Return a text in one form for all cases, ligatures and compositions of accents."""
    folded = normalized("NFKC", normalized("NFKC", text).casefold())
    return folded.replace("\u2019", "'").replace("\u2212", "-").strip()


def _kind(character: str) -> str:
    """Return the class of a character in the alphabet of `_TOKENS`."""
    if "\u3040" <= character <= "\u9fff" or character >= "\U00020000":
        return "i"  # scripts without spaces: each character is a token
    if character.isdecimal():
        return "d"
    if character.isalnum() or category(character)[0] == "M":
        return "w"
    return character if character in "+-.,'\n" else " " if character.isspace() else "x"


def _tokens(text: str) -> list[str]:
    """Return the words, numbers, symbols and breaks of a text, without other punctuation."""
    folded = _folded(text)
    kinds = "".join(map(_kind, folded))
    pieces = [folded[match.start() : match.end()] for match in _TOKENS.finditer(kinds)]
    return [
        token
        for token in pieces
        if token in _BREAKS or len(token) > 1 or category(token)[0] not in "PC"
    ]


def json_values(
    text: str, decoder: json.JSONDecoder, most_tries: int, openings: str = "{"
) -> Iterator[tuple[int, Any]]:
    """Yield (start, value) for the outermost JSON objects of a text.

    Args:
        text: The generated text.
        decoder: Decodes a value.
        most_tries: The most opening brackets without a value. Each failure counts the lines before
            it, so that the time would grow with the square of their number.
        openings: "{" for objects; "[{" for lists, too.
    """
    opening = re.compile(f"[{re.escape(openings)}]")
    match, tries = opening.search(text), 0
    while match and tries < most_tries:
        end = match.end()
        try:
            value, end = decoder.raw_decode(text, match.start())
        except ValueError:
            tries += 1
        except RecursionError:
            return
        else:
            yield match.start(), value
        match = opening.search(text, end)


def json_value(text: str) -> Any:
    """Return the value of a text that is JSON as a whole; None for any other."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _answer_of(json_object: dict[str, Any]) -> str:
    """Return the values of a JSON object's answer fields, or all values, as lines of text."""
    return "\n".join(answers_of(json_object) or [value for _, value in _fields(json_object)])


def answers_of(json_object: dict[str, Any]) -> list[str]:
    """Return the values of a JSON object's answer fields, as text."""
    answers = []
    for key, value in json_object.items():
        if key.casefold() in ANSWER_KEYS:
            answers += [
                text for _, text in _fields(value if isinstance(value, dict) else {key: value})
            ]
        elif isinstance(value, dict):
            answers += answers_of(value)
    return answers


def _fields(json_object: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields of an object and of nested objects, with their values as text."""
    for key, value in json_object.items():
        if isinstance(value, dict):
            yield from _fields(value)
        else:
            values = value if isinstance(value, list) else [value]
            yield (
                key,
                "\n".join(
                    one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
                    for one in values
                ),
            )


def last_box(text: str) -> str | None:
    r"""Return the content of the last closed `\boxed{}`, with nested braces.

    An empty one counts only if there is no other.
    """
    opened: list[int | None] = []
    box = None
    for match in _BRACES.finditer(text):
        if match["box"] or match["open"]:
            opened.append(match.end() if match["box"] else None)
        elif match["close"] and opened:
            start = opened.pop()
            if start is not None and (not box or not text[start : match.start()].isspace()):
                box = text[start : match.start()].strip() or box or ""
    return box


def last_tagged(text: str) -> str | None:
    """Return the content of the last `<answer>`, up to the next tag or the end; or None."""
    marks = list(_TAG.finditer(text))
    begins = [index for index, mark in enumerate(marks) if mark["end"] is None]
    if not begins:
        return None
    last = begins[-1]
    end = marks[last + 1].start() if last + 1 < len(marks) else len(text)
    return text[marks[last].end() : end]
