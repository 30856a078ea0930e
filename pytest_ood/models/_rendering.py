"""How a prompt becomes tokens: as plain text, or by a chat template (`_chat`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models._packing import Tokens


class Rendering(Protocol):
    """Turns prompts into tokens, and tokens of answers into text.

    Attributes:
        opening: The text that the model's answer continues, such as a mark of reasoning that the
            prompt opens; "" for none.
    """

    @property
    def opening(self) -> str:
        """The text that the model's answer continues."""
        ...

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that end an answer, besides those of the model's own configuration."""
        ...

    @property
    def tail(self) -> str:
        """The text behind an answer, as demonstrations have it; "" for none."""
        ...

    def text(self, inputs: Inputs) -> str:
        """Return the whole prompt for one input."""
        ...

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of prompts, or of prompts with what follows them."""
        ...

    def following(self, word: str) -> str:
        """Return a label word as it follows a prompt, with the white space before it."""
        ...

    def decoded(self, said: Tokens) -> str:
        """Return the text of an answer, without special tokens."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class PlainText:
    """Instruction, demonstrations and input as one text, which the answer continues.

    Attributes:
        prompt: The prompt.
        tokenizer: The tokenizer.
    """

    prompt: Prompt
    tokenizer: Any = field(repr=False)
    opening: str = ""

    @property
    def ends(self) -> frozenset[int]:
        """The tokenizer's end token."""
        return end_tokens(self.tokenizer)

    @property
    def tail(self) -> str:
        """An empty line and the next question, whose fields stay open."""
        return f"\n\n{self.prompt.template}"

    def text(self, inputs: Inputs) -> str:
        """Return the whole prompt for one input."""
        return self.prompt.render(inputs)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of texts, without a second beginning-of-sequence token.

        Most tokenizers add one, also to a text that begins with it.
        """
        rows = tokenized(self.tokenizer, texts)
        twice = (self.tokenizer.bos_token_id,) * 2
        return [row[1:] if row[:2] == twice else row for row in rows]

    def following(self, word: str) -> str:
        """Return a label word behind a space."""
        return f" {word}"

    def decoded(self, said: Tokens) -> str:
        """Return the text of an answer, without special tokens."""
        return str(self.tokenizer.decode(said, skip_special_tokens=True))


def tokenized(tokenizer: Any, texts: Sequence[str], **options: Any) -> list[Tokens]:
    """Return the tokens of texts, without the masks that a tokenizer returns beside them."""
    if not texts:
        return []
    rows = tokenizer(
        list(texts), return_attention_mask=False, return_token_type_ids=False, **options
    )["input_ids"]
    return list(map(tuple, rows))


def end_tokens(tokenizer: Any) -> frozenset[int]:
    """Return a tokenizer's end token, if it has one."""
    return frozenset({tokenizer.eos_token_id} - {None})


def note_start(name: str, text: str, tokenizer: Any) -> tuple[str, ...]:
    """Return a remark if a prompt begins with the token that its tokenizer puts before any text.

    Args:
        name: The model's name.
        text: A prompt.
        tokenizer: The tokenizer.
    """
    begin, (row,) = tokenizer.bos_token_id, tokenizer([text])["input_ids"]
    if begin is None or row[:2] != [begin, begin]:
        return ()
    return (
        f"{name}: its prompt begins with {tokenizer.bos_token!r}, which its tokenizer adds by "
        "itself; it is used once. Leave it out of the prompt",
    )
