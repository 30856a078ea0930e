"""A very small chat model with random weights, and chat templates in the styles of many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checkpoints import SIZES, byte_pairs, edit_weights, saved

SPECIAL = [
    "<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]",
]  # fmt: skip
CHATML = """\
{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
SYSTEMLESS = CHATML.replace("messages %}", "messages if message.role != 'system' %}", 1)
LLAMA = """\
{{ bos_token }}{% for message in messages %}\
{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim }}\
<|eot_id|>{% endfor %}{% if add_generation_prompt %}\
{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""
GEMMA = """\
{% if messages[0].role == 'system' %}{{ raise_exception('a system role is not supported') }}\
{% endif %}{{ bos_token }}{% for message in messages %}\
{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('take turns') }}\
{% endif %}<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}
{{ message.content | trim }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""
MISTRAL = """\
{% if messages[0].role == 'system' %}{% set rules = messages[0].content + '\n\n' %}\
{% set messages = messages[1:] %}{% else %}{% set rules = '' %}{% endif %}{{ bos_token }}\
{% for message in messages %}{% if message.role == 'user' %}[INST] \
{{ rules if loop.last or (loop.index == loop.length - 1) else '' }}{{ message.content }}[/INST]\
{% else %} {{ message.content | trim }}</s>{% endif %}{% endfor %}"""
QWEN3 = """\
{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.role == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}\
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}\
{% endif %}{% endif %}"""
OPENED = CHATML.replace("assistant\n{%", "assistant\n{{ '<think>\n' }}{%")
HEADERLESS = CHATML.partition("{% if add")[0]
DATED = "{% if day is not defined %}{% set day = strftime_now('%d %b %Y') %}{% endif %}{{ day }} "
STYLES = {
    "chatml": CHATML, "llama": LLAMA, "gemma": GEMMA, "mistral": MISTRAL, "qwen3": QWEN3,
    "systemless": SYSTEMLESS, "opened": OPENED, "headerless": HEADERLESS,
    "raising": "{{ raise_exception('no, not me') }}",
    "broken": "{{ messages | nothing }}",
    "deaf": "{% for message in messages[:1] %}{{ message.role }}{% endfor %}",
    "dated": DATED + CHATML,
}  # fmt: skip
RULES, QUESTION = "Say what a review is.", "Review: {text}\nSentiment:"
PROMPT = f"{RULES}\n---\n{QUESTION}"
SHOWN = [{"text": "good good", "label": "positive"}, {"text": "bad", "label": "negative"}]
WORDS = {"negative": "bad", "positive": "good"}


def save_chat_model(folder: Path, style: str) -> Path:
    """Save a Llama with random weights and a template of a style, or none.

    Its tokenizer begins a text with <s>, as some templates do, too. Some of its answers end with
    the tokens that end a turn.
    """
    roles = {"bos": "<s>", "eos": "</s>", "pad": "<pad>"}
    tokenizer = byte_pairs(SPECIAL, "<s> $A", roles, sentence="good\ngood\nbad\nbad good bad")
    tokenizer.add_tokens(["<think>", "</think>"])
    saved(
        folder, "LlamaForCausalLM", "LlamaConfig", tokenizer, vocab_size=len(tokenizer),
        bos_token_id=0, eos_token_id=1, **{
            **SIZES, "num_key_value_heads": 1, "max_position_embeddings": 1000,
            "initializer_range": 0.4,
        },
    )  # fmt: skip
    edit_weights(folder, _louder)
    return with_template(folder, style)


def with_template(folder: Path, style: str) -> Path:
    """Give a checkpoint the template of a style; none for a style that is not there."""
    if style in STYLES:
        (folder / "chat_template.jinja").write_text(STYLES[style], encoding="utf-8")
    return folder


def _louder(weights: dict[str, Any]) -> dict[str, Any]:
    """Make ends of turns and of reasoning as likely as tokens that the network says often."""
    layer = weights["lm_head.weight"].clone()
    often = {"<|im_end|>": 69, "<|eot_id|>": 187, "<end_of_turn>": 105}
    for token, other in [*((SPECIAL.index(end), said) for end, said in often.items()), (-1, 169)]:
        layer[token] = layer[other] * 1.05
    return {**weights, "lm_head.weight": layer}
