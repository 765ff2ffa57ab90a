"""What people call the providers that are built in; an operator's own goes by its slug."""

NAMES = {"gigachat": "GigaChat", "yandexgpt": "YandexGPT"}


def provider_name(slug: str) -> str:
    """Return what a page calls a provider."""
    return NAMES.get(slug, slug)
