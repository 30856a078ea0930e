"""Checks of the options of models behind an API: numbers, prices, headers, and no secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_ood.errors import ConfigurationError
from pytest_ood.models._api.asking import Account, Patience
from pytest_ood.models._api.endpoints import Header
from pytest_ood.models._api.limits import Caps, Ledger, Pace, Prices
from pytest_ood.models._api.transport import unsendable

if TYPE_CHECKING:
    from pytest_ood.models.protocol import Context

_KEY_NAME = re.compile(r"(?:env:)?([A-Z_][A-Z0-9_]*)")
_URL = re.compile(r"https?://[A-Za-z0-9._~:%@\[\]!$&'()*+,;=-]+(?:[/?#][!-~]*)?", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FROM_ENVIRONMENT = re.compile(r"\A((?:[A-Za-z-]+ )?)env:([A-Za-z_][A-Za-z0-9_]*)")
"""The value of a header: `env:NAME`, or a scheme before it, as `Token env:NAME`."""

_SECRET_HEADER = re.compile(r"key|token|secret|auth|password|cookie|credential|sign", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(?:bearer|basic|token) |(?:sk|gsk|hf|xai|pk|ghp|github_pat)[-_]|(?-i:AIza|AKIA|eyJ)"
    r"|[a-z][a-z0-9+.-]{0,20}://[^\s/?#]*@",
    re.IGNORECASE,
)
_SECRET_FIELD = re.compile(
    r"(?:key|token|secret|auth|authorization|bearer|passw(?:or)?d|passphrase|pwd|pass|cookie"
    r"|credentials?|signature|dsn|connection_?string)$",
    re.IGNORECASE,
)
_NO_SECRET_FIELD = re.compile(
    r"prompt_cache_key|(?:[bes]os|cls|mask|pad|sep|stop|unk|image|audio|think|start|end)_token",
    re.IGNORECASE,
)
"""Fields of servers and chat templates with names like those of secrets, but without secrets."""
_CLIENTS_HEADERS = (
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The options that limit calls, as users write them; see `chat_builder`."""

    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    attempts: int = 5
    timeout: float = 60.0
    time_limit: float | None = None
    max_requests: int | None = None
    max_total_tokens: int | None = None
    max_cost: float | None = None

    def check(self, owner: str) -> None:
        """Check the numbers.

        Args:
            owner: The start of error messages.

        Raises:
            ConfigurationError: a number is out of its range.
        """
        check_numbers(
            owner,
            whole={
                "concurrency": self.concurrency,
                "attempts": self.attempts,
                "max_requests": self.max_requests,
                "max_total_tokens": self.max_total_tokens,
            },
            above={
                "requests_per_minute": self.requests_per_minute,
                "tokens_per_minute": self.tokens_per_minute,
                "timeout": self.timeout,
                "time_limit": self.time_limit,
                "max_cost": self.max_cost,
            },
        )

    @property
    def patience(self) -> Patience:
        """The limits of one model's calls."""
        return Patience(
            concurrency=self.concurrency,
            attempts=self.attempts,
            timeout=self.timeout,
            time_limit=self.time_limit,
        )

    def account(self, context: Context, prices: Prices | None) -> Account:
        """Return the account that all models of one table of the configuration share."""
        caps = Caps(requests=self.max_requests, tokens=self.max_total_tokens, cost=self.max_cost)
        account: Account = context.shared.setdefault(
            "account",
            Account(
                ledger=Ledger(caps, prices),
                pace=Pace(self.requests_per_minute, self.tokens_per_minute),
            ),
        )
        return account


def check_url(owner: str, option: str, url: str, example: str) -> None:
    """Check that a URL is one of a server, without credentials; no message repeats it.

    Args:
        owner: The start of error messages.
        option: The option with the URL.
        url: The URL.
        example: A valid URL, for the message.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not _URL.fullmatch(url):
        raise ConfigurationError(
            f"{owner}: {option} is no http or https URL; write one like {example}"
        )
    if parts.username is not None:
        raise ConfigurationError(
            f"{owner}: {option} holds credentials; put the key into an environment variable and "
            "name that with `api_key`"
        )


def variable_name(owner: str, api_key: str | None, example: str) -> str | None:
    """Return the environment variable that the option `api_key` names; None without the option.

    Raises:
        ConfigurationError: it names none; the message does not repeat what may be a key.
    """
    named = None if api_key is None else _KEY_NAME.fullmatch(api_key)
    if api_key is not None and named is None:
        raise ConfigurationError(
            f"{owner}: api_key is the name of an environment variable in capitals, such as "
            f"{example}, never a key itself (what was given is not shown here)"
        )
    return None if named is None else named[1]


def parse_headers(owner: str, headers: Mapping[str, str], *, key_named: bool) -> tuple[Header, ...]:
    """Return the headers of the configuration; no message repeats what could be a secret.

    Args:
        owner: The start of error messages.
        headers: The option `headers`.
        key_named: Whether `api_key` names a key, which is sent as the header "authorization".

    Raises:
        ConfigurationError: a header is invalid, may be a secret, or is there twice.
    """
    own = tuple(_header(owner, name, value) for name, value in headers.items())
    names = [header.name.casefold() for header in own]
    twice = {name for name in names if names.count(name) > 1}
    if twice or (key_named and "authorization" in names):
        repeated = ", ".join(sorted(twice)) or "authorization, which `api_key` makes as well"
        raise ConfigurationError(f"{owner}: headers: twice the same: {repeated}; keep one")
    return own


def _header(owner: str, name: str, value: Any) -> Header:
    """Return a header of the configuration; no message repeats what could be a secret."""
    at = f"{owner}: headers"
    if not _HEADER_NAME.fullmatch(name):
        raise ConfigurationError(f"{at}: {name!r} is no name of a header, such as api-key")
    if name.casefold() in _CLIENTS_HEADERS:
        raise ConfigurationError(f"{at}: {name!r} is decided by the client; leave it out")
    if not isinstance(value, str):
        raise ConfigurationError(f'{at}: the value of {name!r} is a string, such as "env:NAME"')
    variable = _FROM_ENVIRONMENT.fullmatch(value)
    if variable is not None:
        return Header(name=name, text=variable[1], variable=variable[2])
    if _SECRET_HEADER.search(name) or _SECRET_VALUE.match(value):
        raise ConfigurationError(
            f"{at}: the value of {name!r} may be a secret; put it into an environment variable and "
            f'write {name} = "env:NAME" (what was given is not shown here)'
        )
    if unsendable(value) is not None:
        raise ConfigurationError(f"{at}: no header can carry {value!r}: {unsendable(value)}")
    return Header(name=name, text=value)


def check_request(where: str, value: Any, name: str = "") -> None:
    """Check that further fields of the request, at any depth, have no secrets: reports show them.

    Args:
        where: The path of the field, for messages.
        value: The value of the field.
        name: The name of the field, or of the nearest field around it with a name.

    Raises:
        ConfigurationError: a value may be a secret; the message has the field, not the value.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if _SECRET_VALUE.match(str(key)):
                raise ConfigurationError(
                    f"{where}: a field's name may be a secret; put it into an environment variable "
                    "(what was given is not shown here)"
                )
            check_request(f"{where}.{key}", inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            check_request(where, inner, name)
    elif isinstance(value, str):
        named = _SECRET_FIELD.search(name) and not _NO_SECRET_FIELD.fullmatch(name)
        if (named and value.strip()) or _SECRET_VALUE.match(value.strip()):
            raise ConfigurationError(
                f"{where}: the value may be a secret, and reports show `request`; put it "
                "into an environment variable, and name that with `api_key`, or in `headers` as "
                '"env:NAME" (what was given is not shown here)'
            )


def check_numbers(
    owner: str,
    *,
    whole: Mapping[str, int | None] | None = None,
    above: Mapping[str, float | None] | None = None,
    least: Mapping[str, float | None] | None = None,
) -> None:
    """Check whole numbers of 1 or more, numbers above 0, and numbers of 0 or more."""
    for numbers, least_allowed, bounds in (
        (whole, 1.0, "1 or more"),
        (above, math.ulp(0.0), "more than 0"),
        (least, 0.0, "0 or more"),
    ):
        for key, number in (numbers or {}).items():
            if number is not None and not least_allowed <= number < math.inf:
                raise ConfigurationError(f"{owner}: {key} = {number} has to be {bounds}")
