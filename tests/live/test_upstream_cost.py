"""What we pay is kept with each generation: of the free tier and of embeddings too, of the sandbox nothing."""

import pathlib

import pytest

from billing.pricing import PriceValue, cost_nano
from tests.live.service import Service, serve


def _ask(service: Service, key: str, model: str, text: str = "Привет") -> bool:
    """Say whether one request was answered."""
    path, body = (
        "chat/completions",
        {"model": model, "messages": [{"role": "user", "content": text}]},
    )
    if model == "embeddings":
        path, body = "embeddings", {"model": model, "input": text}
    with service.http(key) as http:
        return http.post(f"/v1/{path}", json=body).is_success


def _costs(service: Service, key: str) -> tuple[tuple[int, int | None], dict[str, int]]:
    """Return what the caller and we pay for the only generation of a key, and its tokens."""
    [[ours, theirs, prompt, completion, cached]] = service.query(
        "SELECT cost_nano, upstream_cost_nano, tokens_prompt, tokens_completion, tokens_cached"
        " FROM billing_generation WHERE account_id = %s",
        service.account_of(key),
    )
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, "cached_tokens": cached}
    return (ours, theirs), tokens


@pytest.mark.parametrize(
    ("model", "balance", "price"),
    [
        ("gigachat-pro", "100", PriceValue(0, 500_000, 500_000, 0)),
        ("yandexgpt-lite", "0", PriceValue(0, 200_000, 200_000, 200_000)),
        ("embeddings", "100", PriceValue(0, 65_000, 0, 65_000)),
    ],
)
def test_an_answer_is_kept_with_what_the_provider_takes_for_it(
    service: Service, model: str, balance: str, price: PriceValue
) -> None:
    key = service.fresh_key(balance=balance)

    assert _ask(service, key, model)

    (ours, theirs), tokens = _costs(service, key)
    assert theirs == cost_nano(price, **tokens) > 0
    assert ours == (0 if balance == "0" else theirs)


def test_the_sandbox_of_a_test_key_takes_nothing(service: Service) -> None:
    key = service.fresh_key(test=True)

    assert _ask(service, key, "gigachat-pro")

    assert _costs(service, key)[0] == (0, 0)


@pytest.mark.embedded
def test_where_no_provider_has_credentials_the_sandbox_takes_nothing_and_the_margin_counts(
    tmp_path: pathlib.Path,
) -> None:
    with serve(
        "sqlite",
        tmp_path,
        is_empty=True,  # the seed bears the margin
        DATABASE_URL=f"sqlite:///{tmp_path / 'service.sqlite3'}",
        GIGACHAT_CREDENTIALS="",
        YANDEX_API_KEY="",
        PRICE_MARGIN_PERCENT="12.5",
    ) as service:
        key = service.fresh_key()

        assert _ask(service, key, "gigachat-pro")

        (ours, theirs), tokens = _costs(service, key)
    assert (ours, theirs) == (cost_nano(PriceValue(0, 562_500, 562_500, 0), **tokens), 0)


def test_what_a_failed_request_cost_is_not_known(service: Service) -> None:
    key = service.fresh_key()

    assert not _ask(service, key, "gigachat-pro", "sandbox:error=500 Привет")

    assert _costs(service, key)[0] == (0, None)
