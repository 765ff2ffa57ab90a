"""Tell the phrase of a provider's content filter from words of the model's own."""

from collections.abc import Sequence

_OPENINGS = (
    "Как у нейросетевой языковой модели",
    "Как и любая языковая модель",
    "Генеративные языковые модели не обладают собственным мнением",
    "Не люблю менять тему разговора",
    "Что-то в вашем вопросе меня смущает",
    "К сожалению, я не могу ничего сказать об этом",
    "К сожалению, иногда генеративные языковые модели",
    "В интернете есть много сайтов с информацией на эту тему",
    "Я не могу обсуждать эту тему",
    "Не могу обсуждать эту тему",
    "As a language model",
)
"""How the canned answers of GigaChat's and Yandex's filters begin.

Source: answers with `blacklist` and ALTERNATIVE_STATUS_CONTENT_FILTER, as published by their callers.
"""

_ENDS = (".", "!", "?", "…", ")")
_FEWEST_WORDS = 4


def is_filter_phrase(pieces: Sequence[str]) -> bool:
    """Say whether the pieces of an answer that was filtered are the provider's phrase.

    A filter's phrase comes whole: a sentence in one piece is one too, while a model speaks in words.
    """
    text = "".join(pieces).strip()
    if text.startswith(_OPENINGS):
        return True
    is_sentence = text.endswith(_ENDS) and len(text.split()) >= _FEWEST_WORDS
    return len(pieces) == 1 and is_sentence
