"""The compatibility page in Russian and in English, rendered from the results of the last runs."""

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypedDict

from clients.roster import CLIENTS, FEATURES, MODELS, Client, Text

Language = Literal["ru", "en"]

PROJECT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "clients" / "results.json"
PAGES: dict[Language, pathlib.Path] = {
    "ru": PROJECT / "docs" / "compatibility.md",
    "en": PROJECT / "docs" / "en" / "compatibility.md",
}


@dataclass(frozen=True, slots=True)
class _Words:
    """What the page says around its tables."""

    introduction: str
    columns: tuple[str, str]
    passed: str
    failed: str
    features: str
    runs: str
    runs_columns: list[str]
    how_to_run: str


_RUSSIAN = _Words(
    introduction="""\
# Совместимость с клиентами

Каждая клетка — настоящий запуск клиента: версии и дата во второй таблице, сервис настоящий, вместо провайдеров
у него [песочница](sandbox.md), в клиенте изменены только адрес и ключ. «да» — ответ получен и верен; «нет» —
причина названа под таблицей; пусто — не запускалось или у клиента этого нет.
""",
    columns=("Клиент", "Модель"),
    passed="да",
    failed="нет",
    features="""\
- **Чат** — вопрос и ответ целиком; **поток** — тот же ответ частями.
- **Инструмент** — модель вызывает функцию, клиент возвращает её результат, модель отвечает словами; то же
  в потоке.
- **Ответ по схеме** — заполнена схема из двух полей, всеми способами клиента: `json_schema`, `json_object`,
  вызов функции, в потоке.
- **Эмбеддинги** — `embeddings` у GigaChat, `text-search-doc` у YandexGPT.
- **Модели и счёт** — всё остальное, что клиент умеет спросить: список моделей, их провайдеры, ключ, баланс,
  расход, запись о запросе, отказ.
- У программ (aider, Codex, Claude Code) видно лишь то, что снаружи: **чат** — ответ напечатан, **инструмент** —
  команда модели выполнена и её вывод вошёл в ответ.
""",
    runs="Что и когда запускалось",
    runs_columns=["Клиент", "Версии", "Дата", "Задано, кроме адреса и ключа"],
    how_to_run="""\
## Запустить самому

```sh
script/clients
script/clients langchain ai-sdk
script/clients --upgrade
```

Первая строка запускает всех, вторая — названных, и остальные ряды остаются, какими были, третья сначала берёт
новейшие версии клиентов для Python.

Нужны Python 3.11, Node.js 20 с npm и 4 ГБ диска. Клиенты расходятся в версиях общих библиотек, поэтому
окружений несколько; скрипт делает их сам в `var/clients` по точным версиям из `clients/`. Сервис он запускает
свой, на свободном порту и с пустой базой, и потом останавливает. Исходы он пишет в `clients/results.json` и на
эту страницу; код возврата 0 значит, что ни одного «нет» среди запущенного не было.

Программы в `clients/`, по одной на клиент, годятся как примеры.
""",
)
_ENGLISH = _Words(
    introduction="""\
# Compatibility with clients

Each cell is a real run of a client: versions and date stand in the second table, the service is real, the
[sandbox](sandbox.md) stands in for its providers, and in the client only address and key are changed. “yes”:
the answer came and is right; “no”: the reason stands under the table; blank: it was not run, or the client has
no such thing.
""",
    columns=("Client", "Model"),
    passed="yes",
    failed="no",
    features="""\
- **Chat**: a question and the whole answer; **stream**: the same answer in parts.
- **Tool**: the model calls a function, the client returns its result, the model answers in words; the same
  streamed.
- **Structured**: a schema of two fields is filled in, by every way of the client: `json_schema`, `json_object`,
  a function call, streamed.
- **Embeddings**: `embeddings` of GigaChat, `text-search-doc` of YandexGPT.
- **Models, account**: all else that the client can ask for: the list of models, their providers, key, balance,
  usage, the record of a request, a refusal.
- Of programs (aider, Codex, Claude Code) only the outside is seen: **chat** is a printed answer, **tool** a
  command of the model that was run and whose output is in the answer.
""",
    runs="What was run, and when",
    runs_columns=["Client", "Versions", "Date", "Set besides address and key"],
    how_to_run="""\
## Run it yourself

```sh
script/clients
script/clients langchain ai-sdk
script/clients --upgrade
```

The first line runs all, the second the named, and other rows stay as they were; the third takes the newest
versions of the Python clients first.

Python 3.11 and Node.js 20 with npm are needed, and 4 GB of disk. Clients disagree on the versions of common
libraries, so there are several environments; the script makes them in `var/clients` from the exact versions in
`clients/`. It starts a service of its own, on a free port and an empty database, and stops it afterwards.
Outcomes go to `clients/results.json` and to this page; exit code 0 means that there was no “no” among what was
run.

The programs in `clients/`, one a client, will do as examples.
""",
)
_WORDS: dict[Language, _Words] = {"ru": _RUSSIAN, "en": _ENGLISH}


class ClientRun(TypedDict):
    """The last run of a client; `outcomes` maps model and feature to `pass` or an error's first line."""

    date: str
    versions: dict[str, str]
    outcomes: dict[str, dict[str, str]]


def load() -> dict[str, ClientRun]:
    """Read the results of the last runs by the client's name; none when there are no runs."""
    if not RESULTS.exists():
        return {}
    results: dict[str, ClientRun] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def save(results: dict[str, ClientRun]) -> None:
    """Write the results and the pages that follow from them."""
    known = {client.name: results[client.name] for client in CLIENTS if client.name in results}
    text = json.dumps(known, ensure_ascii=False, indent=2)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")
    for language, page in PAGES.items():
        page.write_text(render(known, language), encoding="utf-8")


def render(results: dict[str, ClientRun], language: Language = "ru") -> str:
    """Return the page in Markdown."""
    words = _WORDS[language]
    failures: list[str] = []
    features = [_said(feature, language) for feature in FEATURES.values()]
    table = [_row([*words.columns, *features]), "|" + " --- |" * (2 + len(FEATURES))]
    table += [
        _row(_cells(client, model.chat, results.get(client.name), failures, language))
        for client in CLIENTS
        for model in MODELS
    ]
    sections = [words.introduction, "\n".join(table) + "\n"]
    if failures:
        sections.append("".join(f"{number}. {why}\n" for number, why in enumerate(failures, 1)))
    sections += [words.features, "".join(_runs(results, language)), words.how_to_run]
    return "\n".join(sections)


def _cells(
    client: Client, model: str, run: ClientRun | None, failures: list[str], language: Language
) -> Iterator[str]:
    """Yield a row of the first table and add the reasons of what failed."""
    words = _WORDS[language]
    title = _said(client.title, language)
    yield title
    yield f"`{model}`"
    outcomes = run["outcomes"].get(model, {}) if run else {}
    for feature in FEATURES:
        match outcomes.get(feature):
            case None:
                yield ""
            case "pass":
                yield words.passed
            case error:
                failures.append(f"{title}, `{model}`: `{error.replace('`', chr(39))}`")
                yield f"{words.failed} ({len(failures)})"


def _runs(results: dict[str, ClientRun], language: Language) -> Iterator[str]:
    words = _WORDS[language]
    yield f"## {words.runs}\n\n"
    yield _row(words.runs_columns) + "\n"
    yield "| --- | --- | --- | --- |\n"
    for client in CLIENTS:
        run = results.get(client.name)
        versions = run["versions"] if run else {}
        named = ", ".join(f"{package} {version}" for package, version in versions.items())
        title, settings = (_said(text, language) for text in (client.title, client.settings))
        yield _row([title, named, run["date"] if run else "", settings]) + "\n"


def _said(text: str | Text, language: Language) -> str:
    if isinstance(text, str):
        return text
    return text.en if language == "en" else text.ru


def _row(cells: list[str] | Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"
