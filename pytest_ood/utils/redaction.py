"""Redaction of secrets in texts.

A message of a server, a library or a user's code may contain a key: as it is, escaped, encoded, or
truncated. A text is redacted before it is truncated, escaped or stored.
"""

from __future__ import annotations

import base64
import html
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SHORTEST_SECRET = 6
"""The fewest characters of a secret; a shorter value is a part of too many words."""

SHORTEST_PART = 8
"""The fewest characters of the beginning or the end of a secret that are redacted."""

LONG_GUESS, PART_OF_A_GUESS = 20, 12
"""The fewest characters of a guessed secret whose parts are redacted, too (a traceback may truncate
it), and the fewest characters of such a part."""

_BLOCK, _STEP = 12, 6
"""Length and distance of blocks in the middle of a secret: any 17 characters contain one of the
blocks of 12 that begin at every sixth character, so that this many are found wherever a text is
truncated or wrapped."""

DECODINGS = 3
"""Levels of escapes that are decoded, as for JSON in a URL in HTML."""

SECRET_NAME = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|CONNECTION_?STRING|_PAT|_PWD)$"
    r"|(?:^|_)(?:DSN|PASS)$|^(?:SECRET|TOKEN|APIKEY)",
    re.IGNORECASE,
)
"""Names of environment variables whose values are secrets."""

_IN_A_URL = re.compile(r"(?<=://)(?P<user>[^\s/?#\"'@:]*)(?::(?P<word>[^\s/?#\"']*))?@")
"""User and password of a URL; a variable may contain several URLs."""

_PAIR = re.compile(
    r"(?<![\w.-])[\"']?(?P<name>[a-z][a-z0-9 _.-]{0,60}?)[\"']?\s?(?:=|:(?!//))\s?"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s;&,\"']+)",
    re.IGNORECASE,
)
"""A name and its value: in a connection string, the query of a URL, or JSON."""

_NAME_IN_A_VALUE = re.compile(
    r"(?:key|token|secret|password|passwd|passphrase|pwd|pass|credentials?|signature|sig)$",
    re.IGNORECASE,
)
_OPAQUE = re.compile(r"[^\s\"'{}<>;,]+")

_ESCAPE = re.compile(
    r"\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})"
    r"|&#[xX]([0-9a-fA-F]{1,6});|&#([0-9]{1,7});|&([a-zA-Z]{2,6});|\\([\\/\"'])"
)
_DECIMAL, _NAMED, _QUOTED = 6, 7, 8
"""The groups of `_ESCAPE` that are not hexadecimal."""

_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_LOWER = {ord(upper): upper.lower() for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_DROPPED = re.compile(rf"[\s{_INVISIBLE}]+")
_VERSION_NAMES = ("api-version", "api_version", "apiversion", "version", "v")
"""Parameters of a query whose values are no secrets. Values do not decide it: a key may look like a
version."""


@dataclass(frozen=True)
class Secret:
    """A value that no output may contain.

    Attributes:
        name: The replacement, such as the name of an environment variable.
        value: The value.
        in_parts: Whether parts of the value are redacted, too.
        part: The fewest characters of such a part.
    """

    name: str
    value: str = field(repr=False)
    in_parts: bool = True
    part: int = SHORTEST_PART

    def __reduce__(self) -> tuple[type[Secret], tuple[str, str]]:
        """Pickle the name only: a pickle is an output, too."""
        return type(self), (self.name, "")

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The strings to search for: the value, and its encodings in base64 and hexadecimal."""
        value = _DROPPED.sub("", self.value)
        data = self.value.encode("utf-8", "surrogatepass")
        forms = [value]
        if not value.isascii():
            # Percent-encoded bytes are decoded one by one, as Latin-1.
            forms.append(data.decode("latin-1"))
        if len(value) >= SHORTEST_PART:
            forms.append(data.hex())
            for shift in range(3):
                # Among other bytes there are three alignments of base64, in which the first and the
                # last characters depend on the neighbouring bytes and are left out.
                coded = base64.b64encode(b"\0" * shift + data).decode()
                inner = coded[(0, 2, 3)[shift] :].rstrip("=")
                inner = inner[:-1] if (shift + len(data)) % 3 else inner
                forms += [inner, inner.replace("+", "-").replace("/", "_")]
        return tuple(dict.fromkeys(form.translate(_LOWER) for form in forms))


@dataclass(frozen=True, kw_only=True)
class _Stream:
    """A text that is searched, with the positions of its characters in the original.

    Attributes:
        text: The text in lower case, unescaped.
        starts: The start of each character in the original.
        ends: The end of each character in the original.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def unescaped(self, characters: str) -> tuple[_Stream, str]:
        """Return the stream with one level of escapes decoded, and its text in original case."""
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        position = 0
        for match in _ESCAPE.finditer(characters):
            character = _character(match)
            if len(character) != 1:
                continue
            parts += [characters[position : match.start()], character]
            starts += [*self.starts[position : match.start()], self.starts[match.start()]]
            ends += [*self.ends[position : match.start()], self.ends[match.end() - 1]]
            position = match.end()
        parts.append(characters[position:])
        whole = "".join(parts)
        stream = _Stream(
            text=whole.translate(_LOWER),
            starts=[*starts, *self.starts[position:]],
            ends=[*ends, *self.ends[position:]],
        )
        return stream, whole

    def joined(self) -> _Stream:
        """Return the stream without white space and invisible characters, as if not wrapped."""
        positions = [
            position
            for position, character in enumerate(self.text)
            if not character.isspace() and character not in _INVISIBLE
        ]
        return _Stream(
            text="".join(self.text[position] for position in positions),
            starts=[self.starts[position] for position in positions],
            ends=[self.ends[position] for position in positions],
        )


@dataclass(frozen=True)
class Secrets:
    """The secrets of a run.

    Attributes:
        secrets: All secrets.
    """

    secrets: tuple[Secret, ...] = ()

    def __or__(self, other: Secrets) -> Secrets:
        return Secrets(tuple(dict.fromkeys((*self.secrets, *other.secrets))))

    @cached_property
    def _sought(self) -> tuple[tuple[str, str, int], ...]:
        """(Name, form, fewest characters of a part or 0 for no parts), longest form first."""
        forms = {
            form: (secret.name, form, secret.part * (secret.in_parts and len(form) >= secret.part))
            # If two have the same value, the one with the shorter parts comes last, and wins.
            for secret in sorted(self.secrets, key=lambda one: (one.in_parts, -one.part))
            for form in secret.forms
            if len(form) >= SHORTEST_SECRET
        }
        return tuple(sorted(forms.values(), key=lambda one: -len(one[1])))

    @cached_property
    def _needles(self) -> tuple[str, ...]:
        """Strings of which every text with a secret contains at least one."""
        return tuple(
            dict.fromkeys(
                needle
                for _, form, least in self._sought
                for needle in ((part for _, part in _parts_of(form, least)) if least else (form,))
            )
        )

    def redact(self, text: str) -> str:
        """Return a text in which each secret is replaced by its name in `<>`.

        Secrets are found in any case, with escapes of JSON, Python, URLs and HTML, in base64 or
        hexadecimal, wrapped over several lines, and truncated.
        """
        if not self._needles or not self._may_hold(text):
            return text
        stream = _Stream(
            text=text.translate(_LOWER), starts=[*range(len(text))], ends=[*range(1, len(text) + 1)]
        )
        spans: list[tuple[int, int, str]] = []
        characters = text
        for _ in range(DECODINGS + 1):
            joined = stream.joined()
            for name, form, least in self._sought:
                searched = joined if least else stream
                for start, end in _occurrences(searched.text, form, least):
                    spans.append((searched.starts[start], searched.ends[end - 1], name))
            following, unescaped = stream.unescaped(characters)
            if unescaped == characters:
                break
            stream, characters = following, unescaped
        return _replaced(text, spans)

    def redact_all(self, value: Any, spared: frozenset[str] = frozenset()) -> Any:
        """Return plain values (of JSON) with all texts in them redacted.

        Args:
            value: Nested mappings, sequences and plain values.
            spared: Keys of mappings whose values are not redacted.
        """
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {
                self.redact(key) if isinstance(key, str) else key: (
                    item if key in spared else self.redact_all(item, spared)
                )
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return type(value)(self.redact_all(item, spared) for item in value)
        return value

    def _may_hold(self, text: str) -> bool:
        """Return whether a text may contain a secret; much faster than to locate it."""
        for _ in range(DECODINGS + 1):
            folded = text.translate(_LOWER)
            joined = _DROPPED.sub("", folded)
            if any(needle in joined or needle in folded for needle in self._needles):
                return True
            unescaped = _ESCAPE.sub(_character, text)
            if unescaped == text:
                return False
            text = unescaped
        return False


def _character(match: re.Match[str]) -> str:
    """Return the character of an escape, or the escape itself if it is invalid."""
    group = match.lastindex or 0
    digits = match[group]
    if group == _QUOTED:
        return digits
    if group == _NAMED:
        character = html.unescape(match[0])
        return character if len(character) == 1 else match[0]
    code = int(digits, 10 if group == _DECIMAL else 16)
    return chr(code) if code <= sys.maxunicode else match[0]


def _occurrences(text: str, form: str, least: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the occurrences of a form in a text, or of its parts."""
    if not least:
        for match in re.finditer(re.escape(form), text):
            start, end = match.span()
            around = text[start - 1 : start] + text[end : end + 1]
            if len(form) >= SHORTEST_PART or not any(c.isalnum() for c in around):
                yield start, end
        return
    for offset, part in _parts_of(form, least):
        position = text.find(part)
        while position >= 0:
            start, end = position, position + len(part)
            left, right = offset, offset + len(part)
            while start and left and text[start - 1] == form[left - 1]:
                start, left = start - 1, left - 1
            while end < len(text) and right < len(form) and text[end] == form[right]:
                end, right = end + 1, right + 1
            yield start, end
            position = text.find(part, end)


def _parts_of(form: str, least: int) -> Iterator[tuple[int, str]]:
    """Yield (offset, string) such that every part to redact contains one of the strings."""
    yield 0, form[:least]
    yield len(form) - least, form[-least:]
    for start in range(0, len(form) - _BLOCK + 1, _STEP):
        yield start, form[start : start + _BLOCK]


def _replaced(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """Return a text with the spans replaced by their names; overlapping spans are merged."""
    parts: list[str] = []
    position, last = 0, -1
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= max(last, 0) and not (start == last and end == last):
            parts += [text[position:start], f"<{name}>"]
        last = max(last, end)
        position = last
    return "".join([*parts, text[position:]])


def secrets_of_url(name: str, url: str) -> Secrets:
    """Return the credentials and the values of the query of a URL.

    Args:
        name: The replacement.
        url: Any text; one that is no URL has no secrets.
    """
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        return Secrets()
    values: list[str] = []
    if user or password:
        written = parts.netloc.rpartition("@")[0]
        plain = unquote(password)
        values += [plain or unquote(user), f"{unquote(user)}:{plain}", written, f"{written}@"]
    values += [v for n, v in parse_qsl(parts.query) if n.casefold() not in _VERSION_NAMES]
    return Secrets(tuple(Secret(name, value) for value in dict.fromkeys(values) if value))


def secrets_of_environment(environment: Mapping[str, str]) -> Secrets:
    """Return the values of variables with names of secrets, and the passwords of URLs."""
    # These are guesses: words and paths are left out, and parts are redacted only of long values. A
    # connection string, JSON or a URL is redacted as a whole, and the values in it that have names
    # of secrets are redacted by themselves.
    secrets: list[Secret] = []
    for name, value in sorted(environment.items()):
        if name.lower().endswith("_proxy") and name.lower() != "no_proxy":
            secrets += secrets_of_url(name, value if "//" in value else f"//{value}").secrets
        named = SECRET_NAME.search(name) is not None
        if named and len(value) >= SHORTEST_PART and _is_guessed(value):
            secrets.append(_guess(name, value))
        if (named or "://" in value) and name.lower() != "no_proxy":
            secrets += _inner(name, value)
    return Secrets(tuple(dict.fromkeys(secrets)))


def _is_guessed(value: str) -> bool:
    """Return whether a value may be a secret, rather than a word or a path."""
    return any(map(str.isdigit, value)) and not value.startswith(("/", ".", "~"))


def _guess(name: str, value: str) -> Secret:
    """Return a guessed secret, redacted in parts if it is long and has no structure.

    Parts of a structure, such as `https://`, occur elsewhere, too.
    """
    opaque = _OPAQUE.fullmatch(value) is not None and "://" not in value
    in_parts = opaque and len(value) >= LONG_GUESS
    return Secret(name, value, in_parts=in_parts, part=PART_OF_A_GUESS)


def _inner(name: str, value: str) -> Iterator[Secret]:
    """Yield the secrets within a URL, a connection string or JSON."""
    for match in _IN_A_URL.finditer(value):
        user, word = match["user"], match["word"]
        if word:
            for one in dict.fromkeys((f"{user}:{word}", f"{unquote(user)}:{unquote(word)}")):
                yield Secret(name, one, in_parts=False)
        # A password that is a plain word is no secret by itself, only together with its user.
        for one in dict.fromkeys((word or user, unquote(word or user))):
            if len(one) >= SHORTEST_SECRET and _is_guessed(one):
                yield _guess(name, one)
    for line in re.findall(r"-----BEGIN [A-Z ]+-----(.+?)-----END", value, re.DOTALL):
        yield Secret(name, line.replace("\\n", "\n").strip(), part=PART_OF_A_GUESS)
    for match in _PAIR.finditer(value):
        inner = match["value"].strip("\"'")
        if (
            _NAME_IN_A_VALUE.search(match["name"])
            and len(inner) >= SHORTEST_SECRET
            and _is_guessed(inner)
        ):
            for one in dict.fromkeys((inner, unquote(inner))):
                yield _guess(name, one)


def redacted_url(url: str) -> str:
    """Return scheme, host and path of a URL, which may be shown and stored."""
    parts = urlsplit(url)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    return bare.geturl().rstrip("/")
