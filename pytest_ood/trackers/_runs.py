"""Names that a tracker accepts, and texts without secrets."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from typing import TYPE_CHECKING

from pytest_ood.utils.redaction import SECRET_NAME, secrets_of_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@]*@")
_SHORTEST_SECRET = 4


def plain_names(names: Iterable[str], forbidden: re.Pattern[str], longest: int) -> dict[str, str]:
    """Return for each name the one that a tracker accepts: forbidden characters become `_`.

    A name that would be cut, or equal another, ends with the first eight digits of its SHA-256.

    Args:
        names: All that are used together.
        forbidden: Finds one character that may not stand in a name.
        longest: Characters that a name may have.
    """
    plain = {name: forbidden.sub("_", name) for name in names}
    counted = Counter(plain.values())

    def settled(name: str) -> str:
        """Return a name that is unique and short enough."""
        text = plain[name]
        if len(text) <= longest and (text == name or counted[text] == 1):
            return text
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{text[: longest - 9]}_{digest[:8]}"

    return {name: settled(name) for name in plain}


def without_secrets(text: str) -> str:
    """Return a text without credentials in addresses and without what secret variables hold."""
    text = secrets_of_environment(os.environ).redact(text)
    secrets = {
        value
        for name, value in os.environ.items()
        if (_SECRET_NAME.search(name) or SECRET_NAME.search(name))
        and len(value) >= _SHORTEST_SECRET
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _CREDENTIALS.sub("***@", text)
