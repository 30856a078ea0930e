"""Chat templates of local models: whether one applies, and prompts rendered by it.

A template is a program in Jinja's language that comes with a checkpoint. transformers runs it in a
sandbox. What it does with a conversation is found by rendering one of known words: a system message
may be refused or left out, the header of an answer may open a block of reasoning, and what follows
an answer ends the model's turn.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import is_thought_mark, open_thought, without_thoughts
from pytest_ood.errors import ConfigurationError, ModelError, unknown_name, words_of
from pytest_ood.loading.prompts import without_system
from pytest_ood.models._gguf import gguf_text
from pytest_ood.models._rendering import end_tokens, tokenized
from pytest_ood.models._torch import LONGEST_REASON, json_settings
from pytest_ood.utils.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models._packing import Tokens

    Messages = list[dict[str, str]]

AUTO = "auto"
"""The value of the option `chat` that takes the template of a checkpoint that has one."""

RENDERING = 1
"""The version of the rules that turn a prompt into messages and label words into tokens. It is part
of the fingerprints of chat models and raised with the rules."""

OWN_OPTIONS = (
    "messages",
    "conversation",
    "chat_template",
    "add_generation_prompt",
    "continue_final_message",
    "tokenize",
    "sanitize_control_tokens",
    "padding",
    "truncation",
    "max_length",
    "return_tensors",
    "return_dict",
    "return_assistant_tokens_mask",
    "tokenizer_kwargs",
)
"""Arguments of `apply_chat_template` that are no variables of a template."""

SWITCHES = ("enable_thinking", "thinking")
"""Variables by which templates leave reasoning out: of most, and of DeepSeek's and Granite's."""

SYSTEM, ASKED, ANSWERED, QUESTION, ANSWER = (
    "zibaldone",
    "quodlibet",
    "palimpsest",
    "abecedary",
    "colophon",
)
"""The words of the conversation that a template is tried on: no template has them."""

DATE = "strftime_now"
"""The function by which a template writes today's date."""

CHANNEL = "<|channel|>"

TOO_SHORT = 128
"""A note is shown if reasoning and its answer may have fewer tokens than this."""

REMEDY = (
    "prompt the model with plain text: chat = false, or give the template what it needs: "
    "chat_options"
)
"""What to do about a template that fails."""

_MARKER = re.compile(r"<[^\s<>]{1,40}>|\[/?[A-Z_]{1,20}\]")
_CONTROL = re.compile(r"<\|.+\|>")


@dataclass(frozen=True, kw_only=True)
class ChatOptions:
    """The options that decide whether and how a chat template is used.

    Attributes:
        use: Whether it is used; None if the checkpoint decides.
        variables: The variables that the template gets.
        stop: A string that ends a generated answer, besides the end of the turn; "" for none.
    """

    use: bool | None = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    stop: str = ""

    @classmethod
    def of(
        cls,
        owner: str,
        *,
        chat: bool | str,
        variables: Mapping[str, Any] | None,
        stop: str | None,
    ) -> ChatOptions:
        """Check the options of a model.

        Args:
            owner: The start of error messages.
            chat: "auto", True or False.
            variables: The option `chat_options`.
            stop: The option `stop`; None if it was left out.

        Raises:
            ConfigurationError: a value is invalid, or of no use.
        """
        if isinstance(chat, str) and chat != AUTO:
            message = unknown_name("chat", chat, (AUTO, "true", "false"))
            raise ConfigurationError(f"{owner}: {message}")
        for key, value in (variables or {}).items():
            where = f"{owner}: chat_options: {key!r}"
            if key in OWN_OPTIONS:
                raise ConfigurationError(
                    f"{where} is decided by pytest-ood, not by the template; leave it out"
                )
            try:
                json.dumps(value, allow_nan=False)
            except (TypeError, ValueError):
                raise ConfigurationError(
                    f"{where} = {value!r} is no value of JSON; give a string, a finite number, "
                    "true, false, or a list or table of these"
                ) from None
        if chat is False and variables:
            raise ConfigurationError(
                f"{owner}: chat_options are for a chat template, and chat = false uses none; "
                "leave one of them out"
            )
        use = None if isinstance(chat, str) else chat
        return cls(use=use, variables=dict(variables or {}), stop=stop or "")

    def applies(self, prompt: Prompt, template: str | None, where: str) -> bool:
        """Return whether a checkpoint's template is used for a prompt.

        Args:
            prompt: The prompt.
            template: The template; None if the checkpoint has none.
            where: The model and its checkpoint, for messages.

        Raises:
            ModelError: a template is needed, and there is none.
        """
        if template is None and (self.use or self.variables):
            asks = "chat = true needs one" if self.use else "chat_options are for one"
            raise ModelError(
                f"{where} has no chat template (chat_template.jinja, or chat_template in "
                f"tokenizer_config.json), and {asks}; leave that out, or save the tokenizer with "
                "its template there"
            )
        if self.use is not None:
            return self.use
        return template is not None and not own_markers(prompt, template)


def stored_template(checkpoint: Path) -> str | None:
    """Return the default chat template of a checkpoint, without loading its tokenizer.

    Args:
        checkpoint: A folder or a GGUF file.

    Returns:
        None if there is none.
    """
    if checkpoint.is_file():
        return gguf_text(checkpoint, "tokenizer.chat_template") or None
    file = checkpoint / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8", errors="replace") or None
    template = json_settings(checkpoint, "tokenizer_config.json").get("chat_template")
    if isinstance(template, list):
        named = (entry for entry in template if isinstance(entry, dict))
        template = {entry.get("name"): entry.get("template") for entry in named}
    if isinstance(template, dict):
        template = template.get("default")
    return template if isinstance(template, str) and template else None


def own_markers(prompt: Prompt, template: str) -> list[str]:
    """Return the marks of turns that a prompt's text has itself, such as "<|im_start|>"."""
    found = dict.fromkeys(_MARKER.findall(f"{prompt.instruction}\n{prompt.template}"))
    return [
        mark
        for mark in found
        if (mark in template or _CONTROL.fullmatch(mark)) and not is_thought_mark(mark)
    ]


def note_markers(name: str, prompt: Prompt, template: str, *, used: bool) -> tuple[str, ...]:
    """Return a remark if a prompt has marks of turns itself.

    Args:
        name: The model's name.
        prompt: The prompt.
        template: The text of the template.
        used: Whether the template is used.
    """
    marks = own_markers(prompt, template)
    if not marks:
        return ()
    effect = "writes such marks, too" if used else "is not used"
    return (
        f"{name}: its prompt has {' and '.join(marks)}, and its chat template {effect}; leave them "
        "out of the prompt to have it written as messages",
    )


@dataclass(frozen=True, kw_only=True)
class Turn:
    """How a template writes the model's turn.

    Attributes:
        prompt: A conversation up to the model's answer.
        header: The end of it, behind the user's last message.
        lead: The text between the header and an answer, where the template writes one itself.
        tail: The text behind an answer.
    """

    prompt: str
    header: str
    lead: str
    tail: str

    @property
    def thinks(self) -> bool:
        """Whether an answer comes behind reasoning."""
        return bool(open_thought(self.header)) or without_thoughts(self.lead) != self.lead


@dataclass(frozen=True, kw_only=True)
class TemplateTraits:
    """What a template does to the prompts of a model, for remarks.

    Attributes:
        takes_system: Whether it writes a system message.
        thinks: Whether an answer comes behind reasoning.
        switch: The variable that, if false, makes it leave reasoning out; "" for none.
        dated: Whether it writes today's date.
    """

    takes_system: bool
    thinks: bool
    switch: str
    dated: bool

    def notes(self, name: str, *, instructed: bool, max_new_tokens: int | None) -> tuple[str, ...]:
        """Return remarks on a model's prompts.

        Args:
            name: The model's name.
            instructed: Whether its prompt has an instruction.
            max_new_tokens: The maximum number of tokens of an answer; None if words are scored.
        """
        notes = []
        if instructed and not self.takes_system:
            notes.append(
                f"{name}: its chat template has no system message; the instruction begins the "
                "first message of the user"
            )
        if self.dated:
            notes.append(
                f"{name}: its chat template writes the date into every prompt, so that answers may "
                "change from day to day; set it, under the name that the template has for it: "
                'chat_options = { date_string = "1 January 2026" }'
            )
        if max_new_tokens is not None and max_new_tokens < TOO_SHORT and self.thinks:
            leave_out = f", or chat_options = {{ {self.switch} = false }}" if self.switch else ""
            notes.append(
                f"{name}: its chat template begins an answer with reasoning, which "
                f"max_new_tokens = {max_new_tokens} may cut off; give more{leave_out}"
            )
        return tuple(notes)


def kept_traits(
    folder: Path, identity: Sequence[Any], find: Callable[[], TemplateTraits]
) -> TemplateTraits:
    """Return a template's traits, found once: a tokenizer takes seconds to load.

    Args:
        folder: The folder that they are kept in.
        identity: What decides them, as values of JSON.
        find: Finds them.
    """
    key = hashlib.sha256(json.dumps([RENDERING, *identity], sort_keys=True).encode()).hexdigest()
    path = folder / f"chat-template-{key[:24]}.json"
    try:
        return TemplateTraits(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        traits = find()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(asdict(traits)))
    return traits


@dataclass(frozen=True, eq=False, kw_only=True)
class ChatRendering:
    """Renders prompts by the chat template of a tokenizer.

    Attributes:
        owner: The start of error messages.
        prompt: The prompt.
        tokenizer: The tokenizer.
        variables: The variables that the template gets.
    """

    owner: str
    prompt: Prompt
    tokenizer: Any = field(repr=False)
    variables: Mapping[str, Any]

    def text(self, inputs: Inputs) -> str:
        """Return the whole prompt for one input, with the header of the answer.

        Raises:
            ModelError: the template raises.
        """
        return self._rendered(self._accepted(self.prompt.messages(inputs)), header=True)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of rendered texts; the template has written the special ones."""
        return tokenized(self.tokenizer, texts, add_special_tokens=False)

    def following(self, word: str) -> str:
        """Return a label word as the template writes it behind the header."""
        start = self.turn.prompt + self.turn.lead
        try:
            whole = self._rendered(self._tried(word), header=False)
        except ModelError:
            whole = ""
        if whole.startswith(start) and whole.endswith(self.turn.tail):
            word = whole.removeprefix(start).removesuffix(self.turn.tail)
        return self.turn.lead + word

    def decoded(self, said: Tokens) -> str:
        """Return the text of an answer, without special tokens other than marks of reasoning."""
        special = self._special
        if not any(is_thought_mark(content) or content == CHANNEL for content in special.values()):
            return str(self.tokenizer.decode(said, skip_special_tokens=True))
        # The final channel is found by all marks of a text.
        kept = CHANNEL in special.values()
        shown = [
            token
            for token in said
            if kept or token not in special or is_thought_mark(special[token])
        ]
        return str(self.tokenizer.decode(shown, skip_special_tokens=False))

    @cached_property
    def opening(self) -> str:
        """The mark of reasoning that the header opens, with the text behind it; "" for none."""
        return open_thought(self.turn.header)

    @property
    def tail(self) -> str:
        """The text that the template writes behind an answer."""
        return self.turn.tail

    @cached_property
    def ends(self) -> frozenset[int]:
        """The tokenizer's end token, and the token that the template writes behind an answer."""
        (behind,) = self.tokens([self.turn.tail.lstrip()])
        added = self.tokenizer.added_tokens_decoder
        return end_tokens(self.tokenizer) | {token for token in behind[:1] if token in added}

    @cached_property
    def takes_system(self) -> bool:
        """Whether the template writes a system message; of others some raise, and some omit it.

        Raises:
            ModelError: the template raises without a system message, too.
        """
        system = {"role": "system", "content": SYSTEM}
        try:
            return SYSTEM in self._rendered([system, *self._turns], header=True)
        except ModelError:
            self._rendered(self._turns, header=True)
            return False

    @cached_property
    def turn(self) -> Turn:
        """How the template writes the model's turn.

        Raises:
            ModelError: the template raises, or leaves messages out.
        """
        tried = self._tried()
        prompt = self._rendered(tried, header=True)
        if not all(message["content"] in prompt for message in tried):
            raise ModelError(
                f"{self.owner}: its chat template leaves out messages: of {json.dumps(tried)} it "
                f"makes {prompt!r}; {REMEDY}"
            )
        header = prompt.rpartition(QUESTION)[2]
        try:
            whole = self._rendered(self._tried(ANSWER), header=False)
        except ModelError:
            # Some templates take conversations only that end with a message of the user.
            return Turn(prompt=prompt, header=header, lead="", tail="")
        before, _, tail = whole.rpartition(ANSWER)
        if before.startswith(prompt):
            lead = before.removeprefix(prompt)
        else:
            # Some templates write a part of the header only for an answer that is to come.
            lead = " " if before.endswith(" ") and not prompt[-1:].isspace() else ""
        return Turn(prompt=prompt, header=header, lead=lead, tail=tail)

    def check_scored(self) -> None:
        """Check that a label word may follow the header at once.

        Raises:
            ModelError: the model reasons first, or the template writes other text between them.
        """
        turn = self.turn
        if turn.thinks:
            off = f"{{ {self._switch} = false }}"
            leave_out = f"leave it out: chat_options = {off}, or " if self._switch else ""
            raise ModelError(
                f"{self.owner}: its chat template begins an answer with reasoning "
                f"({(turn.header + turn.lead).strip()!r}), behind which no label word can be "
                f'scored; {leave_out}let the model write its answer: answer = "generated"'
            )
        if turn.lead.strip():
            raise ModelError(
                f"{self.owner}: its chat template writes {turn.lead!r} between the header and an "
                "answer, so that a label word is not what follows; let the model write its answer: "
                'answer = "generated", or prompt it with plain text: chat = false'
            )

    @property
    def traits(self) -> TemplateTraits:
        """What the template does to the prompts."""
        year = str(datetime.now().astimezone().year)
        template = self.tokenizer.get_chat_template()
        dated = DATE in template and year in self.turn.prompt and year not in str(self.variables)
        return TemplateTraits(
            takes_system=self.takes_system,
            thinks=self.turn.thinks,
            switch=self._switch if self.turn.thinks else "",
            dated=dated,
        )

    @property
    def _turns(self) -> Messages:
        """The conversation that the template is tried on, without an instruction."""
        shown = [
            {"role": "user", "content": ASKED},
            {"role": "assistant", "content": ANSWERED},
        ]
        asked = {"role": "user", "content": QUESTION}
        return [*(shown if self.prompt.demonstrations else []), asked]

    def _tried(self, answer: str | None = None) -> Messages:
        """Return the conversation that the template is tried on, with or without an answer."""
        system = {"role": "system", "content": SYSTEM}
        turns = [system, *self._turns] if self.prompt.instruction.strip() else self._turns
        said = [] if answer is None else [{"role": "assistant", "content": answer}]
        return [*self._accepted(turns), *said]

    def _accepted(self, messages: Messages) -> Messages:
        """Return messages with the instruction where the template takes it."""
        if messages[0]["role"] != "system" or self.takes_system:
            return messages
        return without_system(messages)

    @cached_property
    def _switch(self) -> str:
        """The variable that, if false, makes the template leave reasoning out; "" for none."""
        for name in SWITCHES:
            if not replace(self, variables={**self.variables, name: False}).turn.thinks:
                return name
        return ""

    @cached_property
    def _special(self) -> dict[int, str]:
        """The tokens that are no text, with their content."""
        added = self.tokenizer.added_tokens_decoder.items()
        return {token: kind.content for token, kind in added if kind.special}

    def _rendered(self, messages: Messages, *, header: bool) -> str:
        """Return a conversation as the template writes it.

        Args:
            messages: The messages.
            header: Whether the header of an answer follows.

        Raises:
            ModelError: the template raises.
        """
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=header, **self.variables
            )
        except Exception as error:
            words = words_of(error, LONGEST_REASON)
            raise ModelError(
                f"{self.owner}: its chat template raises: {words}; {REMEDY}"
            ) from error
        return str(text)
