"""Very small checkpoints of many kinds, with random weights and real tokenizers."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LABELS: dict[str, Any] = {
    "id2label": {0: "negative", 1: "positive"},
    "label2id": {"negative": 0, "positive": 1},
}
WORDS = [
    "film", "movie", "plot", "actor", "ending", "beginning", "wonderful", "dull", "great", "slow",
    "long", "very", "quite",
]  # fmt: skip
SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 140, "initializer_range": 0.2,
}  # fmt: skip


def word_pieces() -> Any:
    """Return BERT's kind of tokenizer, with its special tokens around a text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = [*special, *letters, *(f"##{letter}" for letter in letters), *WORDS]
    ids = {token: index for index, token in enumerate(vocabulary)}
    raw = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106 - no password
    raw.normalizer = normalizers.Lowercase()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=raw, **dict(zip(names, special, strict=True)))


def byte_pairs(
    special: list[str],
    single: str = "$A",
    roles: Mapping[str, str] | None = None,
    sentence: str = " good good good bad bad bad",
) -> Any:
    """Return a byte-level tokenizer.

    Args:
        special: Its special tokens.
        single: What is put around a text, such as "$A </s>".
        roles: The special token for each of pad, bos, eos and so on.
        sentence: The text that it is trained on; its words become tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [sentence] * 3,
        trainers.BpeTrainer(
            vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    around = [(part, special.index(part)) for part in single.split() if part in special]
    raw.post_processor = processors.TemplateProcessing(
        single=single, pair=f"{single} {single.replace('$A', '$B')}", special_tokens=around
    )
    named = {f"{role}_token": token for role, token in (roles or {}).items()}
    return PreTrainedTokenizerFast(tokenizer_object=raw, **named)


def saved(folder: Path, model: str, config: str, tokenizer: Any, **values: Any) -> Path:
    """Save a network with random weights, and a tokenizer.

    Args:
        folder: Where.
        model: Its class in transformers.
        config: Its configuration's class.
        tokenizer: None for none.
        values: Of the configuration.
    """
    import torch
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = getattr(transformers, model)(getattr(transformers, config)(**values))
    network.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    return folder


def bert(folder: Path, model: str = "BertForSequenceClassification", **values: Any) -> Path:
    """Save a BERT with one of its heads."""
    tokenizer = word_pieces()
    given = {**SIZES, **LABELS, "vocab_size": len(tokenizer), **values}
    return saved(folder, model, "BertConfig", tokenizer, **given)


def gpt2(folder: Path, model: str = "GPT2ForSequenceClassification", **values: Any) -> Path:
    """Save a GPT-2, whose tokenizer has no padding token."""
    end = "<|endoftext|>"
    tokenizer = byte_pairs([end], roles={"bos": end, "eos": end})
    given = {
        "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 140, "bos_token_id": 0,
        "eos_token_id": 0, "initializer_range": 0.2, **LABELS, **values,
    }  # fmt: skip
    return saved(folder, model, "GPT2Config", tokenizer, vocab_size=len(tokenizer), **given)


def mistral(folder: Path, model: str = "MistralForSequenceClassification", **values: Any) -> Path:
    """Save a Mistral, whose tokenizer begins every text and has no padding token."""
    tokenizer = byte_pairs(["<s>", "</s>"], "<s> $A", {"bos": "<s>", "eos": "</s>"})
    given = {
        **SIZES, **LABELS, "num_key_value_heads": 1, "bos_token_id": 0, "eos_token_id": 1, **values,
    }  # fmt: skip
    return saved(folder, model, "MistralConfig", tokenizer, vocab_size=len(tokenizer), **given)


def llama(folder: Path, model: str = "LlamaForSequenceClassification", **values: Any) -> Path:
    """Save a Llama, whose tokenizer begins every text and has no padding token."""
    tokenizer = byte_pairs(["<s>", "</s>"], "<s> $A", {"bos": "<s>", "eos": "</s>"})
    given = {
        **SIZES, **LABELS, "num_key_value_heads": 1, "bos_token_id": 0, "eos_token_id": 1, **values,
    }  # fmt: skip
    return saved(folder, model, "LlamaConfig", tokenizer, vocab_size=len(tokenizer), **given)


def t5(folder: Path, model: str = "T5ForSequenceClassification", **values: Any) -> Path:
    """Save a T5, whose tokenizer ends every text."""
    tokenizer = byte_pairs(["<pad>", "</s>"], "$A </s>", {"pad": "<pad>", "eos": "</s>"})
    given = {
        "d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 2, "num_heads": 2, "pad_token_id": 0,
        "eos_token_id": 1, "decoder_start_token_id": 0, **LABELS, **values,
    }  # fmt: skip
    return saved(folder, model, "T5Config", tokenizer, vocab_size=len(tokenizer), **given)


def roberta_like(folder: Path, kind: str, **values: Any) -> Path:
    """Save a network that takes RoBERTa's tokens, such as a BART."""
    roles = {
        "bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>", "cls": "<s>",
        "sep": "</s>",
    }  # fmt: skip
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = byte_pairs(special, "<s> $A </s>", roles)
    given = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, **LABELS, **values}
    return saved(
        folder, f"{kind}ForSequenceClassification", f"{kind}Config", tokenizer,
        vocab_size=len(tokenizer), **given,
    )  # fmt: skip


def bart(folder: Path) -> Path:
    """Save a BART."""
    return roberta_like(
        folder, "Bart", d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32,
        max_position_embeddings=140, decoder_start_token_id=2, init_std=0.2,
    )  # fmt: skip


def xlnet(folder: Path) -> Path:
    """Save an XLNet, which is padded on the left and answers at its last token."""
    roles = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "cls": "<s>", "sep": "</s>"}
    tokenizer = byte_pairs(["<s>", "<pad>", "</s>"], "$A </s> <s>", roles)
    tokenizer.padding_side = "left"
    return saved(
        folder, "XLNetForSequenceClassification", "XLNetConfig", tokenizer,
        vocab_size=len(tokenizer), d_model=32, n_layer=2, n_head=2, d_inner=32, pad_token_id=1,
        initializer_range=0.2, **LABELS,
    )  # fmt: skip


def fnet(folder: Path) -> Path:
    """Save an FNet, which has no mask: it cannot be padded."""
    tokenizer = word_pieces()
    return saved(
        folder, "FNetForSequenceClassification", "FNetConfig", tokenizer,
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, intermediate_size=32,
        max_position_embeddings=140, initializer_range=0.2, **LABELS,
    )  # fmt: skip


def distilbert(folder: Path) -> Path:
    """Save a DistilBERT with a tokenizer that makes more than it takes."""
    tokenizer = word_pieces()
    return saved(
        folder, "DistilBertForSequenceClassification", "DistilBertConfig", tokenizer,
        vocab_size=len(tokenizer), dim=32, n_layers=2, n_heads=2, hidden_dim=32,
        max_position_embeddings=140, initializer_range=0.2, **LABELS,
    )  # fmt: skip


CLASSIFIERS: dict[str, Callable[[Path], Path]] = {
    "bert": bert,
    "bart": bart,
    "camembert": lambda folder: roberta_like(folder, "Camembert", **SIZES),
    "distilbert": distilbert,
    "fnet": fnet,
    "gpt2": gpt2,
    "gpt2 with its end as padding": lambda folder: gpt2(folder, pad_token_id=0),
    "mistral": mistral,
    "mpnet": lambda folder: roberta_like(folder, "MPNet", **SIZES),
    "t5": t5,
    "xlnet": xlnet,
}
"""Sequence classifiers, by what they are called in test ids."""


def changed(folder: Path, copy: Path, **values: Any) -> Path:
    """Copy a checkpoint, with other values in its configuration."""
    shutil.copytree(folder, copy)
    path = copy / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return copy


def typed(folder: Path) -> Path:
    """Let the tokenizer of a checkpoint make token types, as BERT's own does."""
    path = folder / "tokenizer_config.json"
    names = ["input_ids", "token_type_ids", "attention_mask"]
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_input_names": names}))
    return folder


def export(folder: Path, *, fixed: str = "", output: str = "logits") -> Path:
    """Export the checkpoint in a folder, beside its tokenizer.

    Args:
        folder: The folder of the checkpoint.
        fixed: "batch" or "sequence" for an export that takes one size of it alone.
        output: "logits", or "states" for those of the base.
    """
    import torch
    import transformers

    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer("a great film", return_tensors="pt")
    names = list(encoded)

    class Traced(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *tensors: Any) -> Any:
            """Return one tensor."""
            given = dict(zip(names, tensors, strict=True))
            if output == "logits":
                return self.network(**given).logits
            return self.network.base_model(**given).last_hidden_state

    axes = {index: axis for index, axis in enumerate(("batch", "sequence")) if axis != fixed}
    path = folder / "model.onnx"
    with warnings.catch_warnings(action="ignore"), torch.random.fork_rng():
        torch.onnx.export(
            Traced().eval(), tuple(encoded.values()), str(path), input_names=names,
            output_names=[output], dynamo=False,
            dynamic_axes={**dict.fromkeys(names, axes), output: {k: v for k, v in axes.items()
                                                                 if k == 0}},
        )  # fmt: skip
    return folder


def edit_weights(folder: Path, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the weights of a checkpoint."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file(edit(load_file(path)), path, metadata={"format": "pt"})


VOCABULARY = 60
CAUSAL_SIZES = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.5,
}  # fmt: skip
CAUSAL_MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaForCausalLM", CAUSAL_SIZES),
    "gpt2": (
        "GPT2LMHeadModel",
        {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4,
         "initializer_range": 0.5},
    ),
    # Positions come from the mask; what is packed would be somewhere else.
    "bloom": (
        "BloomForCausalLM",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4,
         "initializer_range": 0.5},
    ),
    # Looks back 16 tokens, less than the longest prompts have.
    "mistral": ("MistralForCausalLM", {**CAUSAL_SIZES, "sliding_window": 16}),
}  # fmt: skip
"""Causal language models: class and configuration, by what they are called in test ids."""

MORE_CAUSAL_MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    # Half of its layers look back 16 tokens, and its logits are capped.
    "gemma2": (
        "Gemma2ForCausalLM",
        {**CAUSAL_SIZES, "head_dim": 8, "sliding_window": 16, "final_logit_softcapping": 5.0},
    ),
    # Their state cannot be copied and continued.
    "lfm2": ("Lfm2ForCausalLM", {**CAUSAL_SIZES, "layer_types": ["conv", "full_attention"]}),
    "mamba": (
        "MambaForCausalLM",
        {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2,
         "initializer_range": 0.5},
    ),
}  # fmt: skip
"""Further ones, of which not all can generate in batches."""


def causal_model(name: str) -> Any:
    """Return a causal language model with random weights, in evaluation mode."""
    import torch
    import transformers

    head, values = {**CAUSAL_MODELS, **MORE_CAUSAL_MODELS}[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind = getattr(transformers, head)
        return kind(kind.config_class(**values)).eval()
