"""Languages: what perturbations and scorers know of each.

Every module of this folder with an attribute `LANGUAGE` is a language; its name is the language's
tag of BCP 47, in small letters and with underscores. Adding a file adds a language.
"""

from __future__ import annotations

import re
from functools import cache

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages.en import LANGUAGE as ENGLISH
from pytest_ood.languages.fits import (
    ANY,
    Fits,
    cased,
    having,
    listing,
    only,
    separate,
    spaced,
    typed,
    written_in,
)
from pytest_ood.languages.protocol import Language
from pytest_ood.utils.objects import module_named, module_names, modules_with

__all__ = [
    "ANY",
    "ENGLISH",
    "Fits",
    "Language",
    "cased",
    "find_language",
    "having",
    "languages",
    "listing",
    "only",
    "separate",
    "spaced",
    "typed",
    "written_in",
]

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


@cache
def languages() -> dict[str, Language]:
    """Return every language by its tag, sorted."""
    modules = modules_with(__name__, "LANGUAGE")
    return {m.LANGUAGE.code: m.LANGUAGE for m in sorted(modules, key=lambda m: m.LANGUAGE.code)}


@cache
def _language(name: str) -> Language | None:
    """Return the language of a module, which is imported alone; None if there is none."""
    if name not in module_names(__name__):
        return None
    language = getattr(module_named(__name__, name, "language"), "LANGUAGE", None)
    return language if isinstance(language, Language) else None


def find_language(tag: str) -> Language:
    """Return the language of a tag of BCP 47, such as "de" or "de-AT", whatever its capitals.

    A region or another subtag that is not known on its own is left out.

    Raises:
        ConfigurationError: it is no tag, or there is no such language; the message has those there
            are.
    """
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise ConfigurationError(
            f"language = {tag!r} is no language tag (BCP 47); it is one such as 'en' or 'pt-BR': "
            f"{', '.join(languages())}"
        )
    subtags = tag.lower().split("-")
    for length in range(len(subtags), 0, -1):
        known = _language("_".join(subtags[:length]))
        if known is not None:
            return known
    raise ConfigurationError(unknown_name("language", tag, languages()))
