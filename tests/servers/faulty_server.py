"""A server on loopback that fails as it is told to.

It has OpenAI's chat completions, below `/v1/messages` Anthropic's form of the same, and below
`/classify` a service of somebody's own.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qs, urlsplit

MODEL = "tester"
Script = Callable[[str, int], str]
"""Takes a text that is asked and which call for it this is, from 1; returns the name of a fault."""

STATUSES: dict[str, tuple[int, dict[str, str], dict[str, Any]]] = {
    "429": (429, {}, {"message": "slow down"}),
    "429 after 7 s": (429, {"Retry-After": "7"}, {"message": "slow down"}),
    "429 after 1500 ms": (429, {"retry-after-ms": "1500"}, {"message": "slow down"}),
    "429 after an hour": (429, {"Retry-After": "3600"}, {"message": "slow down"}),
    "no quota": (429, {}, {"message": "pay first", "code": "insufficient_quota"}),
    "408": (408, {}, {"message": "too slow"}),
    "409": (409, {}, {"message": "locked"}),
    "500": (500, {}, {"message": "it broke"}),
    "503": (503, {}, {"message": "overloaded"}),
    "529": (529, {}, {"message": "Overloaded", "type": "overloaded_error"}),
    "402": (402, {}, {"message": "insufficient balance"}),
    "400 no credit": (400, {}, {"message": "Your credit balance is too low to access the API."}),
    "503 after 7 s": (503, {"Retry-After": "7"}, {"message": "overloaded"}),
    "400": (400, {}, {"message": "this cannot be asked"}),
    "400 filtered": (400, {}, {"message": "not that", "code": "content_filter"}),
    "400 too long": (
        400,
        {},
        {"message": "you asked for 9,001 tokens", "code": "context_length_exceeded"},
    ),
    "400 too long in words": (
        400,
        {},
        {"message": "This model's maximum context length is 8192 tokens. You asked for 9001."},
    ),
    "400 too long for Anthropic": (
        400,
        {},
        {"message": "prompt is too long: 9001 tokens > 8192 maximum"},
    ),
    "403": (403, {}, {"message": "not for you"}),
    "422": (422, {}, {"message": "Unsupported fields: {'response_format'}"}),
}

BODIES: dict[str, bytes] = {
    "invalid JSON": b'{"choices": [{"mess',
    "a page": b"<html>welcome</html>",
    "not an object": b"[]",
    "an error in disguise": b'{"error": {"message": "the model is cold", "code": 502}}',
    "no message": b'{"choices": [{"finish_reason": "stop"}]}',
    "nested deeply": b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not UTF-8": b'{"choices": [{"message": {"content": "\xff\xfe positive"}}]}',
    "a stream of events": b'data: {"choices": []}\n\ndata: [DONE]\n\n',
}

REFUSALS: dict[str, tuple[Callable[[dict[str, Any]], bool], str]] = {
    "max_completion_tokens only": (
        lambda body: "max_tokens" in body,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
    ),
    "no system role": (
        lambda body: any(message["role"] == "system" for message in body["messages"]),
        "System role not supported",
    ),
    "logprobs refused": (lambda body: "logprobs" in body, "logprobs are not supported"),
    "json_schema only": (
        lambda body: body.get("response_format", {}).get("type") == "json_object",
        "'response_format.type' must be 'json_schema' or 'text'",
    ),
}
"""What some servers refuse, and their words for it; other requests are answered."""

OVERLOADED = {"message": "overloaded, try later", "code": 502}

REPLIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "error of the choice": lambda reply: with_choice(reply, error=OVERLOADED),
    "finished by an error": lambda reply: with_choice(reply, finish_reason="error"),
    "aborted": lambda reply: with_choice(reply, finish_reason="abort"),
    "error beside choices": lambda reply: {**reply, "error": OVERLOADED},
    "content is a number": lambda reply: with_message(reply, content=42),
    "content is a table": lambda reply: with_message(reply, content={"text": "positive"}),
    "content is nested lists": lambda reply: with_message(
        reply, content=[[{"type": "text", "text": said(reply)}]]
    ),
    "content has a part without text": lambda reply: with_message(
        reply, content=[{"type": "text", "text": {"value": said(reply)}}]
    ),
    "content has a part of nothing": lambda reply: with_message(reply, content=[said(reply), {}]),
    "another model": lambda reply: {**reply, "model": "other-model-2024-08-06"},
    "dated model": lambda reply: {**reply, "model": f"team/{MODEL.upper()}-2024-08-06"},
    "no error": lambda reply: {**with_choice(reply, error=None), "error": None},
    "reasoning apart": lambda reply: with_message(reply, reasoning_content="Let me see."),
    "parts with thoughts": lambda reply: with_message(
        reply,
        content=[
            {"type": "thinking", "thinking": "is it negative?"},
            *({"type": "text", "text": letter} for letter in said(reply)),
        ],
    ),
    "part that refuses": lambda reply: with_message(
        reply, content=[{"type": "refusal", "refusal": "I will not call it positive."}]
    ),
    "tool call": lambda reply: with_message(
        with_choice(reply, finish_reason="tool_calls"),
        content=None,
        tool_calls=[{"type": "function", "function": {"name": "search", "arguments": "{}"}}],
    ),
    "filtered for safety": lambda reply: with_choice(reply, finish_reason="SAFETY"),
    "no logprobs": lambda reply: with_choice(reply, logprobs=None),
    "reasoning in the content": lambda reply: with_message(
        reply, content=f"<think>\nIs it negative, or positive?\n</think>\n\n{said(reply)}"
    ),
    "reasoning without its beginning": lambda reply: with_message(
        reply, content=f"Is it negative?\n</think>\n\n{said(reply)}"
    ),
    "no finish": lambda reply: with_choice(reply, finish_reason=None),
    "lone surrogate": lambda reply: with_message(reply, content=f"{said(reply)} \ud800"),
    "many ends of lines": lambda reply: with_message(reply, content="\n" * 30_000 + said(reply)),
}
"""What becomes of a valid reply."""


def with_choice(reply: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a reply whose choice has these fields."""
    return {**reply, "choices": [{**reply["choices"][0], **changes}]}


def with_message(reply: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a reply whose message has these fields."""
    return with_choice(reply, message={**reply["choices"][0]["message"], **changes})


def said(reply: dict[str, Any]) -> str:
    """Return what the message of a reply says."""
    return str(reply["choices"][0]["message"]["content"])


ANTHROPIC_FINISHES = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def as_anthropic(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply, or an error, in the form of Anthropic's API."""
    if "choices" not in reply:
        return {"type": "error", **reply} if "error" in reply else reply
    choices = reply["choices"] or [{}]
    message = choices[0].get("message") or {}
    content = message.get("content")
    if isinstance(content, str) or content is None:
        said = content or message.get("refusal") or ""
        content = [{"type": "text", "text": said}] if said else []
    finish = "refusal" if message.get("refusal") else choices[0].get("finish_reason")
    usage = reply.get("usage")
    counts = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    return {
        "id": reply.get("id"),
        "type": "message",
        "role": "assistant",
        "model": reply.get("model"),
        "content": content,
        "stop_reason": ANTHROPIC_FINISHES.get(finish, finish),
        **({"usage": {k: usage.get(v) for k, v in counts.items()}} if usage else {}),
    }


def plain_messages(body: dict[str, Any]) -> list[dict[str, str]]:
    """Return the messages of a request, in either form, with their texts as strings."""
    if "contents" in body:  # Gemini
        return [{"role": "user", "content": body["contents"][-1]["parts"][0]["text"]}]
    if "messages" not in body:
        return [{"role": "user", "content": str(body["inputs"])}]
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    return [
        {
            "role": message["role"],
            "content": message["content"]
            if isinstance(message["content"], str)
            else "".join(part["text"] for part in message["content"]),
        }
        for message in [*system, *body["messages"]]
    ]


PASSING = (
    *("429", "429 after 7 s", "429 after 1500 ms", "408", "409", "500", "503", "503 after 7 s"),
    *("cut-off body", "hang up", "two choices", "no choice", *BODIES),
    *("error of the choice", "finished by an error", "aborted", "error beside choices"),
    *("content is a number", "content is a table", "unknown encoding", "damaged gzip"),
)
"""Faults after which the same call may succeed, and that take no time."""


def answer_to(text: str) -> str:
    """Return what the server answers to a text when it does not fail."""
    return ("negative", "positive")[sum(text.encode("utf-8", "replace")) % 2]


def usage_of(messages: list[dict[str, str]]) -> dict[str, int]:
    """Return the tokens that the server counts: four bytes are one."""
    prompt = sum(len(message["content"].encode()) for message in messages) // 4 + 8
    return {"prompt_tokens": prompt, "completion_tokens": 2, "total_tokens": prompt + 2}


@dataclass
class FaultyServer:
    """What the server does, and what it saw.

    Attributes:
        script: Says which fault comes, or "" for an answer.
        answer: Makes the answer to a text.
        sampled: Makes the answer to a text and a seed, where it is given.
        classified: Makes the answer of the service to a text.
        calls: Calls for each text.
        answered: Answers given to each text, in full and valid.
        sent: Tokens of answers and of faults that tell a usage.
        bodies: Of the requests.
        headers: Of the requests.
        most: Calls under way at once, at most.
        told: What the usage field of answers says; None for none at all.
        echo: Makes what an error repeats out of a key.
        elsewhere: Where some faults redirect to.
        paths: Of the requests, with their queries.
    """

    script: Script = lambda text, call: ""  # noqa: ARG005 - it never fails
    answer: Callable[[str], str] = answer_to
    sampled: Callable[[str, int], str] | None = None
    classified: Callable[[str], Any] = lambda text: {"label": answer_to(text)}
    calls: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    told: Callable[[list[dict[str, str]]], dict[str, int]] | None = usage_of
    logprobs: dict[str, float] | None = None
    echo: Callable[[str], str] = str
    elsewhere: str = ""
    paths: list[str] = field(default_factory=list)
    models: tuple[str, ...] = (MODEL, "another")
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Forget what it saw, and let go whoever still waits."""
        self.released.set()
        self.released = threading.Event()
        for seen in (
            self.calls,
            self.answered,
            self.sent,
            self.bodies,
            self.headers,
            self.paths,
        ):
            seen.clear()
        self.most = 0

    def reply(self, content: Any, finish: str = "stop", **message: Any) -> dict[str, Any]:
        """Return an answer with one choice."""
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": finish,
            "message": {"role": "assistant", "content": content, **message},
        }
        if self.logprobs is not None:
            top = [{"token": t, "logprob": p} for t, p in self.logprobs.items()]
            choice["logprobs"] = {"content": [{"token": "", "logprob": 0, "top_logprobs": top}]}
        return {"id": "1", "object": "chat.completion", "model": MODEL, "choices": [choice]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The header and the body are sent apart; otherwise the body waits until the header is
    # acknowledged, 40 ms later.
    disable_nagle_algorithm = True
    seen: FaultyServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """List the models."""
        self.respond(200, {"data": [{"id": name, "object": "model"} for name in self.seen.models]})

    def do_POST(self) -> None:
        """Answer a chat completion, or fail."""
        seen = self.seen
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = plain_messages(body)[-1]["content"]
        with seen.lock:
            seen.calls[text] += 1
            call = seen.calls[text]
            seen.bodies.append(body)
            seen.paths.append(self.path)
            seen.headers.append({k.lower(): v for k, v in self.headers.items()})
            seen.under_way += 1
            seen.most = max(seen.most, seen.under_way)
        try:
            self.fail_or_answer(seen.script(text, call), text, body)
        finally:
            with seen.lock:
                seen.under_way -= 1

    def fail_or_answer(self, fault: str, text: str, body: dict[str, Any]) -> None:
        """Do what the script says."""
        seen = self.seen
        if fault in STATUSES:
            status, headers, error = STATUSES[fault]
            self.respond(status, {"error": error}, headers)
        elif fault in BODIES:
            self.respond_bytes(200, BODIES[fault])
        elif fault in CONNECTIONS:
            CONNECTIONS[fault](self, text)
        elif fault in REFUSALS and REFUSALS[fault][0](body):
            self.respond(400, {"error": {"message": REFUSALS[fault][1]}})
        elif self.path.partition("?")[0].endswith("/classify") and fault != "404":
            with seen.lock:
                seen.answered[text] += fault == ""
            self.respond(200, seen.classified(text))
        elif fault == "404" or body.get("model", MODEL) not in seen.models:
            self.respond(404, {"error": {"message": f"no model {body.get('model')}"}})
        else:
            self.complete(fault, text, body)

    def complete(self, fault: str, text: str, body: dict[str, Any]) -> None:
        """Answer with a usage."""
        seen, answer = self.seen, self.seen.answer(text)
        if seen.sampled is not None:
            answer = seen.sampled(text, body.get("seed", 0))
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            **dict.fromkeys(("", "no usage", *REFUSALS), lambda: seen.reply(answer)),
            "null choices": lambda: {**seen.reply(answer), "choices": None},
            "two choices": lambda: {**seen.reply(answer), "choices": seen.reply("")["choices"] * 2},
            "no choice": lambda: {**seen.reply(answer), "choices": []},
            "empty answer": lambda: seen.reply(""),
            "null answer": lambda: seen.reply(None),
            "parts": lambda: seen.reply([{"type": "text", "text": answer}]),
            "refusal": lambda: seen.reply(None, refusal="I will not call it positive."),
            "filtered": lambda: seen.reply("positi", "content_filter"),
            "cut at the limit": lambda: seen.reply(f"{answer}, because", "length"),
            "nothing within the limit": lambda: seen.reply("", "length"),
        }
        change = REPLIES.get(fault)
        whole = makers[fault]() if change is None else change(seen.reply(answer))
        with seen.lock:
            seen.answered[text] += fault == ""
            if seen.told is not None and fault != "no usage":
                whole["usage"] = seen.told(plain_messages(body))
                seen.sent.update({k: v for k, v in whole["usage"].items() if isinstance(v, int)})
        self.respond(200, whole)

    def repeat_the_key(self, status: int) -> None:
        """Show the key in the error, as some servers do."""
        key = self.headers.get("Authorization") or self.headers.get("x-api-key")
        self.respond(status, {"error": {"message": f"for {key}"}})

    @property
    def secret(self) -> str:
        """What lets the client in, wherever it stands."""
        sent = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return (
            self.headers.get("api-key")
            or self.headers.get("x-api-key")
            or parse_qs(urlsplit(self.path).query).get("key", [sent])[0]
        )

    def echo(self, status: int) -> None:
        """Repeat the key in some form: in words, in a header and beside the status."""
        echoed = self.seen.echo(self.secret)
        header = "".join(filter(str.isprintable, echoed))
        self.send_response(status, header)
        content = json.dumps({"error": {"message": f"bad key {echoed} given"}}).encode()
        self.send_header("X-Key", header)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def echo_as_answer(self, _: str) -> None:
        """Repeat the key in an answer."""
        self.respond(200, self.seen.reply(f"Is {self.seen.echo(self.secret)} positive?"))

    def redirect(self, status: int) -> None:
        """Send the client somewhere else."""
        self.respond(status, {}, {"Location": self.seen.elsewhere})

    def flood(self, size: int) -> None:
        """Send a valid answer of so many bytes, or as many as are taken."""
        whole = self.seen.reply("MARK")
        if self.path.endswith("/messages"):
            whole = as_anthropic(whole)
        start, end = json.dumps(whole).encode().split(b"MARK")
        self.send_response(200)
        self.send_header("Content-Length", str(len(start) + size + len(end)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(start)
            for _ in range(size // 65_536):
                self.wfile.write(b"a" * 65_536)
            self.wfile.write(b"a" * (size % 65_536) + end)
        self.close_connection = True

    def endless(self, _: str) -> None:
        """Send an answer for as long as it is taken."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b" " * 65_536)
        self.close_connection = True

    def compressed(self, encoding: str, content: bytes) -> None:
        """Send what says it is encoded."""
        self.respond_bytes(200, content, {"Content-Encoding": encoding})

    def wait_for_the_end(self, _: str) -> None:
        """Answer nothing for as long as the server runs."""
        self.seen.released.wait(60)
        self.close_connection = True

    def drip(self, _: str) -> None:
        """Send a byte now and then, so that no single wait is long."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        released = self.seen.released
        with suppress(OSError):
            while not released.wait(0.05):
                self.wfile.write(b" ")
        self.close_connection = True

    def cut_off(self, text: str) -> None:
        """Send an answer without its end."""
        content = json.dumps(self.seen.reply(self.seen.answer(text))).encode()
        self.respond_bytes(200, content[:-20], length=len(content))
        self.close_connection = True

    def hang_up(self, _: str) -> None:
        """Say nothing, and close."""
        self.close_connection = True

    def respond(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        """Send JSON, in the form of the API that was asked."""
        if self.path.partition("?")[0].endswith("/messages") and isinstance(data, dict):
            data = as_anthropic(data)
        self.respond_bytes(status, json.dumps(data).encode(), headers)

    def respond_bytes(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send a body, whose length may be a lie."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


CONNECTIONS: dict[str, Callable[[_Handler, str], None]] = {
    "401": lambda handler, _: handler.repeat_the_key(401),
    "500 with the key": lambda handler, _: handler.repeat_the_key(500),
    "slow": _Handler.wait_for_the_end,
    "drip": _Handler.drip,
    "cut-off body": _Handler.cut_off,
    "hang up": _Handler.hang_up,
    "echo 400": lambda handler, _: handler.echo(400),
    "echo 403": lambda handler, _: handler.echo(403),
    "echo 500": lambda handler, _: handler.echo(500),
    "echo as answer": _Handler.echo_as_answer,
    "redirect 302": lambda handler, _: handler.redirect(302),
    "redirect 307": lambda handler, _: handler.redirect(307),
    "flood": lambda handler, _: handler.flood(50 * 1024**2),
    "large": lambda handler, _: handler.flood(3 * 1024**2),
    "endless": _Handler.endless,
    "bomb": lambda handler, _: handler.compressed("gzip", gzip.compress(b" " * 50 * 1024**2)),
    "gzip": lambda handler, text: handler.compressed(
        "gzip", gzip.compress(json.dumps(handler.seen.reply(handler.seen.answer(text))).encode())
    ),
    "gzip in members": lambda handler, text: handler.compressed(
        "gzip",
        b"".join(
            gzip.compress(bytes([byte]))
            for byte in json.dumps(handler.seen.reply(handler.seen.answer(text))).encode()
        ),
    ),
    "gzip of nothing": lambda handler, _: handler.compressed("gzip", gzip.compress(b"") * 1500),
    "bombs": lambda handler, _: handler.compressed("gzip", gzip.compress(b" " * 1024**2) * 5),
    "damaged gzip": lambda handler, _: handler.compressed("gzip", b"no gzip at all"),
    "unknown encoding": lambda handler, _: handler.compressed("br", b"anything"),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Take it that the client has gone."""


@contextmanager
def serving(tls: SSLContext | None = None) -> Iterator[FaultyServer]:
    """Run a server on a free port until the context ends."""
    seen = FaultyServer()
    handler = type("Handler", (_Handler,), {"seen": seen})
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        seen.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield seen
        finally:
            seen.released.set()
            server.shutdown()
            thread.join()
