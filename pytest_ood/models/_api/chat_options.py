"""The options of chat models behind an API, shared by the adapters that reach one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.models._api.chat import FORMS, OWN_FIELDS, ChatModel, Decoding
from pytest_ood.models._api.limits import Prices
from pytest_ood.models._api.options import Limits, check_numbers, check_request
from pytest_ood.models._prompts import DemonstrationOptions, prompt_loader
from pytest_ood.models._voting import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_ood.models._api.chat import ChatServer
    from pytest_ood.models.protocol import Context

    Connect = Callable[[str, str, str | None, str | None, Mapping[str, str]], ChatServer]
    """Takes the start of error messages, the model's name, and the options `base_url`, `api_key`
    and `headers`; returns the server. No message repeats what could be a secret."""

    Builder = Callable[..., ChatModel]
    """Takes a source, a context and the options of a table of the configuration."""

SEED_OPTION, SEED_NEEDS = "demonstration_seed", "demonstrations"
"""The option that is raised by one for each of a model's `seeds`, and the option that it needs."""

MOST_TOP_LOGPROBS = 20

LENGTH, LENGTH_OF_A_CHAIN = 16, 512
"""Default `max_tokens`, and the default with a chain of thought or a structured answer: chat models
write more words than their demonstrations."""


def chat_builder(connect: Connect, own_fields: Collection[str] = OWN_FIELDS) -> Builder:
    """Return the function `build` of an adapter.

    Args:
        connect: Returns the server of a model.
        own_fields: Fields of requests that users cannot set by the option `request`.
    """

    def build(
        source: str,
        context: Context,
        *,
        prompt: str,
        shots: int | None = None,
        demonstrations: Any = None,
        demonstration_seed: int = 0,
        selection: str = "random",
        vary: str = "draw",
        chain_of_thought: bool = False,
        label_words: Mapping[str, str] | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        answer: str = "text",
        samples: int = 1,
        temperature: float = 0.0,
        vote: str = "majority",
        vote_top: int | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        reasoning: bool = False,
        system: bool = True,
        top_logprobs: int = 0,
        request: Mapping[str, Any] | None = None,
        concurrency: int = 8,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        attempts: int = 5,
        timeout: float = 60.0,
        time_limit: float | None = None,
        max_requests: int | None = None,
        max_total_tokens: int | None = None,
        max_cost: float | None = None,
        price_in: float | None = None,
        price_out: float | None = None,
        currency: str = "USD",
    ) -> ChatModel:
        """Describe a model behind an API; nothing is sent before the first query.

        Args:
            source: The model's name at the server; with LiteLLM, after the provider's name.
            context: The adapter's context.
            prompt: The template itself, or the path of a file with it (see `parse_template`).
            shots: The number of demonstrations to draw; by default all of an inline list, 4 of
                data.
            demonstrations: A list of tables with the prompt's fields, `label` and `rationale`, or
                data (a path or a table).
            demonstration_seed: Seed of the draw; for an inline list, of the order, where 0 keeps
                the order of the list.
            selection: Which examples of the data are drawn: "random", the labels taking turns; or
                "complexity", those with the most reasoning steps (Fu et al. 2022).
            vary: What the seed changes: "draw", which examples are drawn and their order; or
                "order", the order alone.
            chain_of_thought: Whether demonstrations show the reasoning before the answer (Wei et
                al. 2022); without demonstrations a phrase asks for it (Kojima et al. 2022).
            label_words: The word for each label; by default the label itself.
            base_url: The URL of the server; by default $OPENAI_BASE_URL, or else OpenAI's; with
                LiteLLM, the provider's.
            api_key: The environment variable with the key, never the key itself; by default
                OPENAI_API_KEY (with LiteLLM, the provider's), and none for a server on this machine
                or if `headers` have a secret.
            headers: Further headers of every request. "env:NAME" is the value of an environment
                variable, as every secret has to be; a word may precede it, as in "Token env:NAME".
            answer: "text"; or "json_schema" or "json_object", which request structured answers and
                fail if the server has none.
            samples: The number of answers per input, each a call with a seed of its own; the most
                frequent one counts (Wang et al. 2022).
            temperature: The sampling temperature.
            vote: Which samples vote: "majority", all of them; or "complexity", the `vote_top` with
                the most reasoning steps (Fu et al. 2022).
            vote_top: The number of samples that vote under "complexity".
            max_tokens: The maximum number of tokens of an answer; by default 16, and 512 with a
                chain of thought or for a task whose answers are structured.
            seed: Seed of the sampling, if the server supports it.
            reasoning: Whether the model reasons in hidden tokens: no temperature is sent, and
                `max_tokens` is sent as `max_completion_tokens`, which includes hidden reasoning.
            system: Whether the instruction is a system message; false puts it before the first
                message of the user, for a model without system messages.
            top_logprobs: The number of likeliest first tokens from which labels get probabilities,
                1 to 20; 0 for no probabilities.
            request: Further fields of the request, as the server takes them.
            concurrency: The maximum number of concurrent calls.
            requests_per_minute: The maximum number of calls per minute; None for no limit.
            tokens_per_minute: The maximum number of tokens per minute, estimated by earlier calls;
                None for no limit.
            attempts: The maximum number of calls per input.
            timeout: Time limit of one call, in seconds.
            time_limit: Time limit of all calls in a run, in seconds; None for no limit.
            max_requests: The maximum number of calls in a run, failed ones included; None for no
                cap.
            max_total_tokens: The maximum number of tokens of prompts and answers in a run; None for
                no cap.
            max_cost: The maximum cost of a run; needs both prices (with LiteLLM, those of its
                list). None for no cap.
            price_in: The price of a million tokens of prompts.
            price_out: The price of a million tokens of answers.
            currency: The currency of the prices.

        Raises:
            ConfigurationError: values that do not go together.
            DataError: demonstrations that cannot be read.
        """
        owner = f"model {context.name!r}"
        limits = Limits(
            concurrency=concurrency,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            attempts=attempts,
            timeout=timeout,
            time_limit=time_limit,
            max_requests=max_requests,
            max_total_tokens=max_total_tokens,
            max_cost=max_cost,
        )
        limits.check(owner)
        check_numbers(
            owner,
            whole={"max_tokens": max_tokens},
            least={"temperature": temperature, "price_in": price_in, "price_out": price_out},
        )
        _check_forms(
            owner, context, answer, top_logprobs, samples, chain_of_thought=chain_of_thought
        )
        sampling = Sampling(
            samples=samples, temperature=temperature, seed=seed or 0, vote=vote, vote_top=vote_top
        )
        # A reasoning model has a temperature of its own.
        drawn = temperature > 0 or reasoning
        sampling.check(owner, chain_of_thought=chain_of_thought, drawn=drawn)
        if max_tokens is None:
            is_long = chain_of_thought or context.task.structured
            max_tokens = LENGTH_OF_A_CHAIN if is_long else LENGTH
        for key in request or {}:
            if key in own_fields:
                raise ConfigurationError(
                    f"{owner}: request: {key!r} is decided by options of its own; leave it out"
                )
        check_request(f"{owner}: request", request or {})
        if (price_in is None) != (price_out is None):
            raise ConfigurationError(f"{owner}: price_in and price_out are given together")
        server = connect(owner, source, base_url, api_key, headers or {})
        prices = server.prices
        if price_in is not None and price_out is not None:
            prices = Prices(price_in, price_out, currency)
        if max_cost is not None and prices is None:
            raise ConfigurationError(
                f"{owner}: max_cost = {max_cost:g} needs price_in and price_out, "
                f"the prices of a million tokens{server.why_unpriced}"
            )
        return ChatModel(
            name=context.name,
            server=server,
            load_prompt=prompt_loader(
                context,
                prompt,
                DemonstrationOptions(
                    declared=demonstrations,
                    shots=shots,
                    seed=demonstration_seed,
                    selection=selection,
                    vary=vary,
                ),
                label_words=label_words,
                chain_of_thought=chain_of_thought,
                written=True,
            ),
            task=context.task,
            decoding=Decoding(
                form=answer,
                schema=context.task.json_schema,
                sampling=sampling,
                max_tokens=max_tokens,
                seed=seed,
                reasoning=reasoning,
                top_logprobs=top_logprobs,
                request=request or {},
            ),
            system=system,
            patience=limits.patience,
            account=limits.account(context, prices),
        )

    return build


def _check_forms(
    owner: str,
    context: Context,
    answer: str,
    top_logprobs: int,
    samples: int,
    *,
    chain_of_thought: bool,
) -> None:
    """Check the form of answers, and that structured ones and probabilities are of labels alone."""
    if answer not in FORMS:
        raise ConfigurationError(f"{owner}: " + unknown_name("answer", answer, FORMS))
    if not 0 <= top_logprobs <= MOST_TOP_LOGPROBS:
        raise ConfigurationError(
            f"{owner}: top_logprobs = {top_logprobs} has to be between 0 and {MOST_TOP_LOGPROBS}"
        )
    if top_logprobs and answer != "text":
        raise ConfigurationError(
            f'{owner}: top_logprobs needs answer = "text": JSON does not start with a label'
        )
    lacks_labels = f"the task {context.task.name} has no labels"
    reasons = {
        lacks_labels: not context.labels,
        "a chain of thought comes before its answer": chain_of_thought,
    }
    has_schema = context.task.json_schema is not None
    for reason in (reason for reason, holds in reasons.items() if holds):
        if answer != "text" and not (has_schema and reason == lacks_labels):
            asked = "an object" if has_schema else "a label"
            raise ConfigurationError(
                f'{owner}: answer = {answer!r} asks for {asked}, but {reason}; take answer = "text"'
            )
        if top_logprobs:
            raise ConfigurationError(
                f"{owner}: top_logprobs is about the labels' words, but {reason}; leave it out"
            )
    if top_logprobs and samples > 1:
        raise ConfigurationError(
            f"{owner}: of samples = {samples} the probabilities are shares of votes; leave out "
            "top_logprobs"
        )
