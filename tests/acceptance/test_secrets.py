"""Nothing that a run shows or leaves holds a secret, in whatever form, whoever repeats it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest
from api_model import with_assistant
from faulty_server import MODEL, FaultyServer, serving

KEY = 'sk-RECOGNISABLE-Zq7/"x+0123456789'
OUTPUTS = ("report.json", "report.md", "report.html")


def forms(key: str) -> dict[str, str]:
    """Return a key as it may be repeated."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in key)
    return {
        "plain": key,
        "JSON": json.dumps(key)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(key))[1:-1],
        "repr": repr(key)[1:-1],
        "escaped": escaped,
        "URL": quote(key, safe=""),
        "URL in URL": quote(quote(key, safe=""), safe=""),
        "every character": "".join(f"%{ord(character):02X}" for character in key),
        "HTML": html.escape(key),
        "base64": base64.b64encode(key.encode()).decode(),
        "Basic": base64.b64encode(f"user:{key}".encode()).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(f"a:{key}".encode()).decode(),
        "hexadecimal": key.encode().hex(),
        "upper": key.upper(),
        "lower": key.lower(),
        "first part": key[:14],
        "last part": key[-14:],
        "wrapped": "\n    ".join(key[start : start + 9] for start in range(0, len(key), 9)),
    }


def traces(key: str) -> list[str]:
    """Return strings of which each form of a key holds one, in lower case."""
    found = [key[:10], key[-10:], key[16:28], *(f[4:24] for f in forms(key).values())]
    coded = [base64.b64encode(b"\0" * shift + key.encode()).decode()[4:24] for shift in range(3)]
    return [trace.lower() for trace in (*found, *coded)]


def assert_clean(text: str, where: str, key: str = KEY) -> None:
    """Check that a text holds no form of a key, nor a part of one."""
    folded = text.lower()
    found = [trace for trace in traces(key) if trace in folded]
    assert not found, f"{where}: {found}"


def assert_nothing_left(project: pytest.Pytester, shown: str, *folders: Path) -> None:
    """Check what a run has shown, and each file that it has left or changed."""
    assert_clean(shown, "the terminal")
    for folder in (project.path, *folders):
        for path in folder.rglob("*"):
            # The tests' own sources hold what makes the key.
            if path.is_file() and path.suffix not in (".py", ".pyc", ".toml"):
                assert_clean(path.read_bytes().decode("latin-1"), str(path))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """Run a server that repeats the key in every form at once."""
    monkeypatch.setenv("MY_CREDENTIALS", KEY)
    with serving() as server:
        server.echo = lambda key: " | ".join(forms(key).values()) if key == KEY else key
        server.answer = lambda text: "negative" if "terrible" in text else "positive"
        yield server


@pytest.fixture
def api_project(project: pytest.Pytester, server: FaultyServer) -> pytest.Pytester:
    """Put a model behind an API beside the fake that is the baseline."""
    return with_assistant(project, server.url, "env:MY_CREDENTIALS")


def run(project: pytest.Pytester, *options: str) -> str:
    """Run one shift with all reports, and return what was shown."""
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-only=keyboard", "--ood-max-examples=40", "--junitxml=junit.xml",
        "-Wdefault",
        *(f"--ood-report={name}" for name in OUTPUTS), *options,
    )  # fmt: skip
    return result.stdout.str() + result.stderr.str()


STYLES = (
    ("-vv", "--tb=long", "--showlocals", "-rA"),
    ("--tb=native", "-l", "-s", "--log-cli-level=DEBUG", "--log-file=log.txt",
     "--log-file-level=DEBUG"),
    ("--tb=short", "--capture=no", "--log-level=DEBUG", "-n2"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        *((fault, STYLES[0]) for fault in ("echo 400", "echo 403", "echo 500", "echo as answer")),
        ("echo 500", STYLES[1]),
        ("echo 400", STYLES[2]),
    ],
)
def test_a_server_that_repeats_the_key_changes_nothing(
    *,
    fault: str,
    options: tuple[str, ...],
    api_project: pytest.Pytester,
    server: FaultyServer,
    user_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither terminal, logs, JUnit, reports, summary nor the store hold any form of it."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(api_project.path / "summary.md"))
    server.script = lambda text, _: "" if "Number 3" in text else fault
    shown = run(api_project, *options)
    assert server.headers
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers)
    assert_nothing_left(api_project, shown, user_cache)
    if fault != "echo as answer":
        assert "<MY_CREDENTIALS>" in shown + (api_project.path / "report.json").read_text()


@pytest.mark.skipif(find_spec("litellm") is None, reason="needs the extra litellm")
def test_litellm_shows_no_key(
    project: pytest.Pytester, server: FaultyServer, user_cache: Path
) -> None:
    """Its logs of the lowest level, which have requests and answers, are without it, too."""
    url = server.url.removesuffix("/v1")
    with_assistant(project, url, "env:MY_CREDENTIALS", f"litellm:anthropic/{MODEL}")
    server.script = lambda text, _: "" if "Number 3" in text else "echo 400"
    shown = run(project, "-rA", "--tb=long", "-l", "--log-level=DEBUG", "--log-cli-level=DEBUG")
    assert {headers.get("x-api-key") for headers in server.headers} == {KEY}
    assert "LiteLLM" in shown
    assert_nothing_left(project, shown, user_cache)


OWN = """
import logging
import os
import warnings

import pytest

KEY = os.environ["MY_CREDENTIALS"]


def predict(texts):
    headers = {"authorization": f"Bearer {KEY}"}
    logging.getLogger("own").error("asked with %s", headers)
    warnings.warn(f"asked with {KEY}", stacklevel=1)
    print("asked with", headers)
    raise RuntimeError(f"no answer for {headers}")


@pytest.mark.ood
def test_own():
    key = KEY
    print(key)
    assert key == "something else"


@pytest.mark.ood
def test_another():
    key = KEY
    pytest.skip(f"not with {key}")
"""


@pytest.mark.parametrize("options", [("-vv", "--showlocals", "-rA"), ("--tb=native", "-l")])
def test_a_user_s_code_that_shows_the_key_is_redacted(
    options: tuple[str, ...], api_project: pytest.Pytester, server: FaultyServer, user_cache: Path
) -> None:
    """Tracebacks with locals, logs, warnings and output of tests and models are without it."""
    del server
    path = api_project.path / "pyproject.toml"
    path.write_text(
        path.read_text() + '[tool.pytest_ood.models.own]\ncallable = "test_own_code:predict"\n'
    )
    api_project.makepyfile(test_own_code=OWN)
    shown = run(api_project, *options)
    assert "no answer for" in shown
    assert "test_own" in shown
    assert_nothing_left(api_project, shown, user_cache)


def test_a_key_in_the_url_is_shown_nowhere(
    api_project: pytest.Pytester, server: FaultyServer, user_cache: Path
) -> None:
    """A query goes with every call, and neither logs nor reports hold it."""
    path = api_project.path / "pyproject.toml"
    text = path.read_text().replace('api_key = "env:MY_CREDENTIALS"\n', "")
    path.write_text(text.replace(server.url, f"{server.url}?key={quote(KEY, safe='')}"))
    server.script = lambda text, _: "" if "Number 3" in text else "echo 500"
    shown = run(api_project, "-rA", "--log-level=DEBUG", "--log-cli-level=DEBUG", "-l")
    assert server.paths
    assert all(f"?key={quote(KEY, safe='')}" in path for path in server.paths)
    assert_nothing_left(api_project, shown, user_cache)


def test_a_header_of_one_s_own_is_shown_nowhere(
    api_project: pytest.Pytester, server: FaultyServer, user_cache: Path
) -> None:
    """A header whose value is an environment variable's is treated as the key is."""
    path = api_project.path / "pyproject.toml"
    text = path.read_text().replace(
        'api_key = "env:MY_CREDENTIALS"', 'headers = { api-key = "env:MY_CREDENTIALS" }'
    )
    path.write_text(text)
    server.script = lambda text, _: "" if "Number 3" in text else "echo 500"
    shown = run(api_project, "-rA", "--log-level=DEBUG", "--log-cli-level=DEBUG", "-l")
    assert {headers.get("api-key") for headers in server.headers} == {KEY}
    assert not [headers for headers in server.headers if "authorization" in headers]
    assert_nothing_left(api_project, shown, user_cache)


@pytest.mark.parametrize("scheme", ["http", "socks5", "magic"])
def test_a_proxy_s_password_is_shown_nowhere(
    scheme: str,
    api_project: pytest.Pytester,
    server: FaultyServer,
    user_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that cannot be used is one line that names it and its variable, and no traceback."""
    del server
    proxy = f"{scheme}://user:{quote(KEY, safe='')}@127.0.0.1:9"
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    shown = run(api_project, "-rA", "--log-cli-level=DEBUG", "--showlocals")
    assert f"{scheme}://127.0.0.1:9" in shown
    assert "HTTP_PROXY" in shown
    assert "Traceback" not in shown
    assert_nothing_left(api_project, shown, user_cache)


def test_a_key_that_cannot_be_sent_is_not_shown(
    api_project: pytest.Pytester,
    server: FaultyServer,
    user_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is refused by one line, before anything is asked."""
    monkeypatch.setenv("MY_CREDENTIALS", f"{KEY}\u201d")
    shown = run(api_project, "-rA", "--tb=long", "--showlocals")
    assert "RIGHT DOUBLE QUOTATION MARK" in shown
    assert "Traceback" not in shown
    assert not server.headers
    assert_nothing_left(api_project, shown, user_cache)


def test_the_plan_and_the_commands_show_no_key(
    api_project: pytest.Pytester, server: FaultyServer, user_cache: Path
) -> None:
    """Neither a dry run nor the list of models does."""
    path = api_project.path / "pyproject.toml"
    path.write_text(path.read_text().replace(server.url, f"{server.url}?key={quote(KEY, safe='')}"))
    shown = run(api_project, "--ood-dry-run", "-vv")
    listed = api_project.run("python", "-m", "pytest_ood", "models", "--configured", "--json")
    assert MODEL in listed.stdout.str()
    assert_nothing_left(api_project, shown + listed.stdout.str() + listed.stderr.str(), user_cache)
