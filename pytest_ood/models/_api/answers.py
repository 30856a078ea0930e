"""Parsing of structured answers, and of tokens in a tokenizer's own notation."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import json_values

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL = "label"
"""The field of a structured answer."""

MOST_TRIES = 64
"""The most opening braces that are tried as the beginning of a JSON object."""

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def labelled(text: str) -> str | None:
    """Return the label word of a structured answer; None if there is none, or several.

    The JSON object may be in a code fence or between words, as many models write it so.
    """
    # Read as a list of fields: in a mapping, a repeated field would replace the first one.
    decoder = json.JSONDecoder(object_pairs_hook=_Fields)
    words = {
        value if isinstance(value, str) else None
        for _, fields in json_values(text, decoder, MOST_TRIES)
        for key, value in fields
        if key.casefold() == LABEL
    }
    return words.pop() if len(words) == 1 else None


class _Fields(list[tuple[str, Any]]):
    """The fields of a JSON object; a type of its own tells it from a JSON list."""


def unmarked(token: str) -> str:
    """Return the text of a token in a vocabulary's notation.

    SentencePiece writes a space as U+2581 and a byte as `<0x0A>`; byte-level BPE (GPT-2, Llama 3,
    Qwen) writes each byte as a printable character, a space as U+0120.
    """
    byte = _BYTE_TOKEN.fullmatch(token)
    if byte is not None:
        return bytes([int(byte[1], 16)]).decode("utf-8", "ignore")
    if "\u2581" in token:
        return token.replace("\u2581", " ")
    octets = [_byte_of().get(character) for character in token]
    if None in octets:
        return token
    return bytes(octet for octet in octets if octet is not None).decode("utf-8", "ignore")


@cache
def _byte_of() -> Mapping[str, int]:
    """Return the byte for each character of byte-level BPE.

    Radford et al. 2019: printable characters of Latin-1 represent themselves; the other bytes, in
    their order, are represented by the characters from U+0100 on.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in set(plain)]
    return {chr(byte): byte for byte in plain} | {
        chr(0x100 + number): byte for number, byte in enumerate(others)
    }
