"""An OpenAI-compatible server on loopback that fails as it is told to."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

MODEL = "tester"
Script = Callable[[str, int], str]
"""Takes the text that is asked and which call for it this is, from 1, and returns a fault's name."""

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
    "503 after 7 s": (503, {"Retry-After": "7"}, {"message": "overloaded"}),
    "400": (400, {}, {"message": "this cannot be asked"}),
    "400 filtered": (400, {}, {"message": "not that", "code": "content_filter"}),
    "403": (403, {}, {"message": "not for you"}),
    "422": (422, {}, {"message": "Unsupported fields: {'response_format'}"}),
}

BODIES: dict[str, bytes] = {
    "invalid JSON": b'{"choices": [{"mess',
    "a page": b"<html>welcome</html>",
    "not an object": b"[]",
    "an error in disguise": b'{"error": {"message": "the model is cold", "code": 502}}',
    "no message": b'{"choices": [{"finish_reason": "stop"}]}',
}

PASSING = (
    *("429", "429 after 7 s", "429 after 1500 ms", "408", "409", "500", "503", "503 after 7 s"),
    *("cut-off body", "hang up", "two choices", "no choice", *BODIES),
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
        calls: Calls for each text.
        answered: Answers given to each text, in full and valid.
        sent: Tokens of answers and of faults that tell a usage.
        bodies: Of the requests.
        headers: Of the requests.
        most: Calls under way at once, at most.
        together: Calls that wait for each other before any is answered.
        told: What the usage field of answers says; None for none at all.
    """

    script: Script = lambda text, call: ""  # noqa: ARG005 - it never fails
    answer: Callable[[str], str] = answer_to
    calls: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    together: threading.Barrier | None = None
    told: Callable[[list[dict[str, str]]], dict[str, int]] | None = usage_of
    logprobs: dict[str, float] | None = None
    models: tuple[str, ...] = (MODEL, "another")
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self) -> None:
        """Forget what it saw."""
        for seen in (self.calls, self.answered, self.sent, self.bodies, self.headers):
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
    seen: FaultyServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        """List the models."""
        self.respond(200, {"data": [{"id": name, "object": "model"} for name in self.seen.models]})

    def do_POST(self) -> None:  # noqa: N802 - the base class's name
        """Answer a chat completion, or fail."""
        seen = self.seen
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][-1]["content"]
        with seen.lock:
            seen.calls[text] += 1
            call = seen.calls[text]
            seen.bodies.append(body)
            seen.headers.append({k.lower(): v for k, v in self.headers.items()})
            seen.under_way += 1
            seen.most = max(seen.most, seen.under_way)
        try:
            if seen.together is not None:
                seen.together.wait(10)
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
        elif fault == "401":  # some servers repeat the key they were given
            key = self.headers.get("Authorization", "")
            self.respond(401, {"error": {"message": f"wrong key {key}"}})
        elif fault == "500 with the key":
            self.respond(500, {"error": {"message": f"for {self.headers.get('Authorization')}"}})
        elif fault == "slow":
            seen.released.wait(60)
            self.close_connection = True
        elif fault == "drip":  # a byte now and then, so that no single wait is long
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            while not seen.released.wait(0.05):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    break
            self.close_connection = True
        elif fault == "hang up":
            self.close_connection = True
        elif fault == "cut-off body":
            content = json.dumps(seen.reply(seen.answer(text))).encode()
            self.respond_bytes(200, content[:-20], length=len(content))
            self.close_connection = True
        elif fault in BODIES:
            self.respond_bytes(200, BODIES[fault])
        elif fault == "404" or body["model"] not in seen.models:
            self.respond(404, {"error": {"message": f"no model {body['model']}"}})
        else:
            self.complete(fault, text, body)

    def complete(self, fault: str, text: str, body: dict[str, Any]) -> None:
        """Answer with a usage."""
        seen = self.seen
        whole = seen.reply(seen.answer(text))
        if fault == "two choices":
            whole["choices"] *= 2
        elif fault == "no choice":
            whole["choices"] = []
        elif fault == "empty answer":
            whole = seen.reply("")
        elif fault == "null answer":
            whole = seen.reply(None)
        elif fault == "parts":
            whole = seen.reply([{"type": "text", "text": seen.answer(text)}])
        elif fault == "refusal":
            whole = seen.reply(None, refusal="I will not say that it is positive.")
        elif fault == "filtered":
            whole = seen.reply("positi", "content_filter")
        elif fault == "cut at the limit":
            whole = seen.reply(f"{seen.answer(text)}, because", "length")
        elif fault == "nothing within the limit":
            whole = seen.reply("", "length")
        else:
            assert not fault, fault
            with seen.lock:
                seen.answered[text] += 1
        if seen.told is not None:
            whole["usage"] = seen.told(body["messages"])
            with seen.lock:
                seen.sent.update(whole["usage"])
        self.respond(200, whole)

    def respond(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        """Send JSON."""
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
