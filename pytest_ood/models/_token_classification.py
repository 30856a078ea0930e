"""Named entities by an encoder that tags words.

The tag of a word is that of its first token (Devlin et al. 2018, BERT, section 5.3); tags are in
IOB2 (Tjong Kim Sang and Veenstra 1999) where the model is trained here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import canonical
from pytest_ood.data.tags import OUTSIDE, LabelledSpan, iob2_tags, tagged_spans, words_of
from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.models._batching import CHUNK, WITHOUT_TOKENS
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.models._torch import fetched
from pytest_ood.tasks import Prediction
from pytest_ood.tasks.named_entities import NamedEntities, entities_at, entities_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_ood.data.examples import Dataset
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.data.spans import Span
    from pytest_ood.tasks import Task
    from pytest_ood.tasks.named_entities import Entity

IGNORED = -100
"""The target of a token that does not count in the loss of torch."""

_PREFIXES = tuple("BIESLU")


@dataclass(frozen=True)
class TokenHead:
    """A head that gives every token a tag.

    Attributes:
        entities: The labels of entities.
    """

    entities: tuple[str, ...]
    architecture: str = "TokenClassification"
    kind: str = "a token classifier"
    collator: str = "DataCollatorForTokenClassification"

    @property
    def tags(self) -> list[str]:
        """The tags of words in IOB2."""
        return [OUTSIDE, *(f"{prefix}-{label}" for label in self.entities for prefix in "BI")]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The names of the outputs."""
        return {
            "id2label": dict(enumerate(self.tags)),
            "label2id": {tag: number for number, tag in enumerate(self.tags)},
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        """The kind of head, and its tags."""
        return {"head": "tokens", "labels": self.tags}

    def check_configuration(self, config: Any, where: str) -> None:
        """Accept any configuration: the names of its outputs are read with the weights."""

    def check(self, data: Dataset) -> None:
        """Check that there is an entity in one example at least."""
        if not any(entities_of(example.label) for example in data):
            raise DataError(
                f"{data.name}: there is no entity in its {len(data)} texts, so that there is "
                "nothing to learn"
            )

    def rows(
        self, name: str, tokenizer: Any, data: Dataset, max_length: int
    ) -> list[dict[str, Any]]:
        """Return the tokens of each text, truncated, and the tag of each word's first token."""
        rows = []
        for example in data:
            text = text_of(name, example.inputs)
            tokens, offsets = tokenized(name, tokenizer, [text], max_length)[0]
            words = words_of(text)
            spans = [LabelledSpan(*entity[:3]) for entity in entities_of(example.label)]
            targets = [IGNORED] * len(offsets)
            tags = iob2_tags(spans, words)
            for tag, index in zip(tags, first_tokens(words, offsets), strict=True):
                # A token of several words has the tag of the first.
                if index is not None and targets[index] == IGNORED:
                    targets[index] = self.tags.index(tag)
            rows.append({**tokens, "labels": targets})
        return rows

    def accuracy(self, predictions: Any) -> dict[str, float]:
        """Return the share of words whose tag is right."""
        counted = predictions.label_ids != IGNORED
        right = predictions.predictions.argmax(-1) == predictions.label_ids
        return {"accuracy": float(right[counted].mean())}


@dataclass(frozen=True, kw_only=True)
class TokenModel(FinetunedModel):
    """An encoder with a head that tags tokens, run by transformers.

    Inputs are single texts. Text beyond `max_length` tokens is not read, and has no entities.
    """

    @classmethod
    def labels_of(cls, task: Task) -> Sequence[str]:
        """Return what names of a checkpoint may stand for: labels of entities, and tags."""
        entities = entities_of_task(task)
        tags = [f"{prefix}-{label}" for label in entities for prefix in _PREFIXES]
        return [OUTSIDE, *entities, *tags]

    @property
    def head(self) -> TokenHead:
        """The head on top of the encoder."""
        return TokenHead(entities_of_task(self.context.task))

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return the inputs: entities are copied from the text, so that each letter counts."""
        return [canonical(value) for value in inputs]

    def predict_batches(
        self, inputs: Sequence[Inputs]
    ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
        """Yield the indices of each batch with their predictions.

        Raises:
            ModelError: the checkpoint's tags are not those of the task's entities, its tokenizer is
                a slow one, or an input has several fields.
        """
        torch, model, batching = self._loaded
        tags = self._tag_order(model.config.id2label)
        tokenizer, length = self._tokenizer
        for start in range(0, len(inputs), CHUNK):
            texts = [text_of(self.name, value) for value in inputs[start : start + CHUNK]]
            encoded = tokenized(self.name, tokenizer, texts, length)
            rows = [tokens for tokens, _ in encoded]
            batching.check(rows, f"model {self.name!r}")
            without = [start + n for n, row in enumerate(rows) if not row["input_ids"]]
            if without:
                yield without, [Prediction(None, error=WITHOUT_TOKENS)] * len(without)
            outputs = (
                (indices, logits.argmax(-1))
                for indices, logits in batching.logits(rows, self.batch_size)
            )
            for indices, best in fetched(torch, outputs):
                answers = []
                for index, row in zip(indices, best, strict=True):
                    offsets = encoded[index][1]
                    begin = len(row) - len(offsets) if batching.side == "left" else 0
                    own = [tags[number] for number in row[begin : begin + len(offsets)]]
                    answers.append(Prediction(written(tagged(texts[index], offsets, own))))
                yield [start + index for index in indices], answers

    def _tag_order(self, id2label: Mapping[int, str]) -> list[str]:
        """Return the tag in the task's labels for each output of the checkpoint.

        A label without a prefix counts as inside.

        Raises:
            ModelError: an output is for a label that is none of the task's, or a label has none.
        """
        own = {label.lower(): label for label in self.head.entities}
        order = []
        for index in sorted(id2label):
            name = str(id2label[index])
            tag = self.label_names.get(name, name)
            prefix, dash, label = tag.partition("-")
            if not dash or prefix not in _PREFIXES:
                prefix, label = "I", tag
            label = self.label_names.get(label, label)
            if label == OUTSIDE:
                order.append(OUTSIDE)
            elif label.lower() in own:
                order.append(f"{prefix}-{own[label.lower()]}")
            else:
                raise ModelError(
                    f"model {self.name!r}: its tag {name!r} is of none of the task's labels "
                    f"({', '.join(self.head.entities)}); name what it stands for, such as labels = "
                    f'{{ "{label}" = "{self.head.entities[0]}" }}, or "{OUTSIDE}" for no entity'
                )
        known = {tag[2:] for tag in order}
        missing = [label for label in self.head.entities if label not in known]
        if missing:
            raise ModelError(
                f"model {self.name!r}: it has no output for the label {missing[0]!r}; it knows "
                f"{', '.join(order)}"
            )
        return order


def entities_of_task(task: Task) -> tuple[str, ...]:
    """Return the labels of a task's entities.

    Raises:
        ConfigurationError: it has none.
    """
    if not isinstance(task, NamedEntities):
        raise ConfigurationError(f"the task {task.name} has no entities")
    return task.entities


def text_of(name: str, inputs: Inputs) -> str:
    """Return the text of an input.

    Raises:
        ModelError: it has several fields.
    """
    if not isinstance(inputs, str):
        raise ModelError(
            f"model {name!r}: it marks entities in one text, not in the fields {', '.join(inputs)}"
        )
    return inputs


def tokenized(
    name: str, tokenizer: Any, texts: Sequence[str], max_length: int
) -> list[tuple[dict[str, list[int]], list[Span]]]:
    """Return the tokens of each text, truncated, and the span of each token in it.

    Raises:
        ModelError: the tokenizer is a slow one, which has no spans.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            f"model {name!r}: its tokenizer, {type(tokenizer).__name__}, does not tell where "
            "tokens stand in a text; it takes one with a tokenizer.json"
        )
    encoded = dict(
        tokenizer(list(texts), truncation=True, max_length=max_length, return_offsets_mapping=True)
    )
    offsets = encoded.pop("offset_mapping")
    return [
        (
            {key: values[index] for key, values in encoded.items()},
            [(int(first), int(last)) for first, last in offsets[index]],
        )
        for index in range(len(texts))
    ]


def first_tokens(words: Sequence[Span], offsets: Sequence[Span]) -> list[int | None]:
    """Return the index of each word's first token; None for a word that was truncated.

    Args:
        words: The spans of words, in order.
        offsets: The spans of tokens, in order; empty ones are of special tokens.
    """
    tokens = [(first, last, n) for n, (first, last) in enumerate(offsets) if first < last]
    found: list[int | None] = []
    position = 0
    for start, end in words:
        while position < len(tokens) and tokens[position][1] <= start:
            position += 1
        touches = position < len(tokens) and tokens[position][0] < end
        found.append(tokens[position][2] if touches else None)
    return found


def tagged(text: str, offsets: Sequence[Span], tags: Sequence[str]) -> list[Entity]:
    """Return the entities of a text whose tokens have tags.

    Args:
        text: The text.
        offsets: The span of each token.
        tags: The tag of each token.
    """
    words = words_of(text)
    indices = first_tokens(words, offsets)
    of_words = [OUTSIDE if index is None else tags[index] for index in indices]
    return entities_at(tagged_spans(of_words, words), text)
