"""Secrets are found in whatever form a text holds them, and nothing else is changed."""

from __future__ import annotations

import base64
import html
import json
import pickle
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.utils.redaction import (
    Secret,
    Secrets,
    redacted_url,
    secrets_of_environment,
    secrets_of_url,
)

KEY = 'sk-Recognisable-0123/+"45\\6789'
SECRETS = Secrets((Secret("MY_KEY", KEY),))
CODED = base64.b64encode(KEY.encode()).decode()

FORMS = {
    "plain": KEY,
    "upper": KEY.upper(),
    "JSON": json.dumps(KEY)[1:-1],
    "JSON twice": json.dumps(json.dumps(KEY))[3:-3],
    "repr": repr(KEY)[1:-1],
    "URL": quote(KEY, safe=""),
    "URL twice": quote(quote(KEY, safe=""), safe=""),
    "HTML": html.escape(KEY),
    "HTML of a URL of JSON": html.escape(quote(json.dumps(KEY)[1:-1])),
    "unicode escapes": "".join(f"\\u{ord(c):04X}" for c in KEY),
    "percent escapes": "".join(f"%{ord(c):02x}" for c in KEY),
    "HTML escapes": "".join(f"&#{ord(c)};" for c in KEY),
    "hexadecimal HTML escapes": "".join(f"&#x{ord(c):x};" for c in KEY),
    "hexadecimal": KEY.encode().hex(),
    "base64": CODED.rstrip("="),
    "first 8": KEY[:8],
    "last 8": KEY[-8:],
    "first 12": KEY[:12],
    "middle 17": KEY[5:22],
    "wrapped": "\n".join(KEY[start : start + 5] for start in range(0, len(KEY), 5)),
    "indented": "\r\n      ".join(KEY[start : start + 7] for start in range(0, len(KEY), 7)),
    "zero-width spaces": "\u200b".join(KEY),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_replaced_whole(form: str) -> None:
    """The name of the secret stands in its place, and what is around it stays."""
    assert SECRETS.redact(f"({FORMS[form]})") == "(<MY_KEY>)"
    assert SECRETS.redact(f"({FORMS[form]}) and ({KEY})") == "(<MY_KEY>) and (<MY_KEY>)"


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"user:", b"user1:"])
def test_base64_of_more_than_the_secret_is_redacted(before: bytes) -> None:
    """In a longer text's base64 no character is left that the secret alone decides."""
    for coder in (base64.b64encode, base64.urlsafe_b64encode):
        coded = coder(before + KEY.encode() + b"!").decode()
        shown = SECRETS.redact(f"Basic {coded}")
        assert "<MY_KEY>" in shown
        assert not [s for s in range(8, len(coded) - 7) if coded[s : s + 8] in shown]


@given(st.text(max_size=60))
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Escapes, white space and invisible characters of other texts are not touched."""
    assert SECRETS.redact(text) == text


@given(st.text(max_size=30), st.sampled_from(sorted(FORMS)), st.text(max_size=30))
def test_no_form_survives_anywhere(before: str, form: str, after: str) -> None:
    """Whatever stands around it, what is left holds no secret: redacting again finds none."""
    shown = SECRETS.redact(f"{before}{FORMS[form]}{after}")
    assert "<MY_KEY>" in shown
    assert SECRETS.redact(shown) == shown


def test_short_secrets_are_words() -> None:
    """One of six or seven characters is no part of a word; a shorter one is not looked for."""
    secrets = Secrets((Secret("A", "hunter2"), Secret("B", "abc")))
    assert secrets.redact("is hunter2? hunter22, abc") == "is <A>? hunter22, abc"


def test_what_is_guessed_to_be_a_secret_is_redacted_whole() -> None:
    """A variable with a secret's name counts; a path, a word or a part of it does not."""
    secrets = secrets_of_environment(
        {
            "MY_TOKEN": "abcdefgh12345678",
            "SSH_KEY": "/home/me/.ssh/id_1",
            "KEYBOARD_KEY": "keyboard",
            "HTTP_PROXY": "http://me:p4ssw%C3%B6rd@proxy:1",
            "NO_PROXY": "http://you:12345678@proxy",
        }
    )
    text = "abcdefgh12345678 abcdefgh1234 /home/me/.ssh/id_1 keyboard p4ssw\u00f6rd 12345678"
    assert secrets.redact(text) == (
        "<MY_TOKEN> abcdefgh1234 /home/me/.ssh/id_1 keyboard <HTTP_PROXY> 12345678"
    )
    basic = base64.b64encode("me:p4ssw\u00f6rd".encode()).decode()
    assert secrets.redact(f"Basic {basic}").startswith("Basic <HTTP_PROXY>")


LONG = "sk-proj-" + "".join(f"{n * n:x}Qz" for n in range(60))


@pytest.mark.parametrize(
    "name",
    [
        "MY_API_KEY", "SENTRY_DSN", "DSN", "DB_PASS", "MYSQL_PWD", "GPG_PASSPHRASE", "PASSPHRASE",
        "AZURE_CONNECTION_STRING", "STORAGE_CONNECTIONSTRING",
    ],
)  # fmt: skip
def test_long_guesses_are_redacted_in_parts(name: str) -> None:
    """Python and pytest cut a long value, and show its beginning and its end."""
    secrets = secrets_of_environment({name: LONG, "PWD": LONG[::-1], "COMPASS": LONG[::-1]})
    shown = f"'{LONG[:95]}...{LONG[-112:]}'|{LONG[:12]}|{LONG[-12:]}|{LONG[30:47]}"
    assert secrets.redact(shown) == f"'<{name}>...<{name}>'|<{name}>|<{name}>|<{name}>"
    assert secrets.redact(LONG[::-1]) == LONG[::-1]
    assert secrets.redact("a key begins with sk-proj- here") == "a key begins with sk-proj- here"


@pytest.mark.parametrize(
    ("value", "shown", "redacted"),
    [
        ("postgres://u:pw@host/x", "https://host/x u:pw@host pw", "https://host/x u:pw@host pw"),
        ("postgres://user:s3cret-pw@host/x", "s3cret-pw at host", "<DATABASE_URL> at host"),
        ("postgres://me:correct@host/x", "me:correct@ is correct", "<DATABASE_URL>@ is correct"),
        ("postgres://postgres:postgres@h/x", "a postgres server", "a postgres server"),
        ("amqp://a:b@h,amqp://c:p%40ss1234@g", "p@ss1234", "<DATABASE_URL>"),
        ("https://host/?password=abc12345&x=7654321", "abc12345 7654321", "<DATABASE_URL> 7654321"),
        ("https://0123456789abcdef01234567@host/1", "0123456789abcdef", "<DATABASE_URL>"),
        ("https://host/a/b12345678", "https://host/a/b12345678", "https://host/a/b12345678"),
    ],
)
def test_any_variable_may_be_a_url_with_a_password(value: str, shown: str, redacted: str) -> None:
    """What lets somebody in is redacted, and neither its host nor what words it has."""
    assert secrets_of_environment({"DATABASE_URL": value}).redact(shown) == redacted


def test_values_with_a_structure_are_redacted_by_what_they_hold() -> None:
    """Parts of them, such as names of fields and hosts, stand elsewhere as well."""
    key = "0a1b2c3d4e5f" * 4
    secrets = secrets_of_environment(
        {
            "A_CONNECTION_STRING": f"Endpoint=https://host.example/;AccountKey={key}==;Pwd=hunter22",
            "B_CREDENTIALS": json.dumps({"type": "service_account", "private_key": key[::-1]}),
            "C_KEY": f"-----BEGIN PRIVATE KEY-----\n{key.upper()[3:]}\n-----END PRIVATE KEY-----",
        }
    )
    assert secrets.redact(f"{key[:20]}, hunter22") == (
        "<A_CONNECTION_STRING>, <A_CONNECTION_STRING>"
    )
    assert secrets.redact(key[::-1][:30]) == "<B_CREDENTIALS>"
    assert "<" in secrets.redact(key.upper()[3:])
    plain = 'https://host.example/x {"type": "service_account"} -----BEGIN PRIVATE KEY-----'
    assert secrets.redact(plain) == plain


def test_a_url_holds_secrets() -> None:
    """Credentials and values of the query count, but for versions."""
    url = "https://me:secretpw@host:8/v1?api-key=abcdef123456&api-version=2024-06-01&sig=x%2Fyz1234"
    secrets = secrets_of_url("base_url", url)
    shown = secrets.redact("secretpw abcdef123456 2024-06-01 x/yz1234 x%2Fyz1234 me:secretpw@")
    assert shown == "<base_url> <base_url> 2024-06-01 <base_url> <base_url> <base_url>"
    assert redacted_url(url) == "https://host:8/v1"
    assert secrets_of_url("base_url", "http://[bad") == Secrets()


@pytest.mark.parametrize("key", ["1234-5678-9012-3456", "9876superSecretX", "v2.24.1234.5678-abc"])
def test_a_key_in_a_query_may_look_like_a_version(key: str) -> None:
    """What a value of a query is, its name tells."""
    secrets = secrets_of_url("base_url", f"https://host/v1?api-key={key}&Version={key[::-1]}")
    assert secrets.redact(f"{key} {key[::-1]}") == f"<base_url> {key[::-1]}"


def test_plain_values_are_redacted_wherever_they_are() -> None:
    """Keys and items of any depth, but for what stands under a key that is spared."""
    value = {"a": [KEY, 1, None, {"b": (KEY, "c")}], KEY: True, "name": KEY}
    assert SECRETS.redact_all(value, frozenset({"name"})) == {
        "a": ["<MY_KEY>", 1, None, {"b": ("<MY_KEY>", "c")}], "<MY_KEY>": True, "name": KEY,
    }  # fmt: skip


def test_neither_repr_nor_pickle_holds_a_secret() -> None:
    """What may be shown or written of it is its name."""
    assert KEY not in repr(SECRETS)
    assert b"Recognisable" not in pickle.dumps(SECRETS)
    assert pickle.loads(pickle.dumps(SECRETS)).secrets[0].name == "MY_KEY"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000, KEY[:8] * 10_000, "%73%6b" * 20_000, "\\u0073k-" * 15_000, "\\" * 100_000,
        "&amp;" * 20_000 + KEY, " " * 100_000, "sk-" * 30_000, KEY * 3_000,
    ],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_long_texts_take_time_in_proportion(text: str) -> None:
    """A hundred thousand characters of any kind are looked through in a moment."""
    started = time.process_time()
    SECRETS.redact(text)
    assert time.process_time() - started < 5.0
