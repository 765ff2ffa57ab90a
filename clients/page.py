"""The compatibility page, rendered from the results of the last runs."""

import json
import pathlib
from collections.abc import Iterator
from typing import TypedDict

from clients.roster import CLIENTS, FEATURES, MODELS, Client

PROJECT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "clients" / "results.json"
PAGE = PROJECT / "docs" / "compatibility.md"

_INTRODUCTION = """\
# Совместимость с клиентами

*In English: which client libraries work with XRouter, unmodified but for base URL and key. Every cell is a real
run of the named version against a running service; run them again with `script/clients`.*

Каждая клетка — настоящий запуск клиента: версии и дата во второй таблице, сервис настоящий, вместо провайдеров
у него [песочница](sandbox.md), в клиенте изменены только адрес и ключ. «да» — ответ получен и верен; «нет» —
причина названа под таблицей; пусто — не запускалось.
"""
_FEATURES = """\
- **Чат** — вопрос и ответ целиком; **поток** — тот же ответ частями.
- **Инструмент** — модель вызывает функцию, клиент возвращает её результат, модель отвечает словами; то же
  в потоке.
- **Ответ по схеме** — заполнена схема из двух полей, всеми способами клиента: `json_schema`, `json_object`,
  вызов функции, в потоке.
- **Эмбеддинги** — `embeddings` у GigaChat, `text-search-doc` у YandexGPT.
"""
_HOW_TO_RUN = """\
## Запустить самому

```sh
script/clients                   # все
script/clients langchain ai-sdk  # названные; остальные строки остаются, какими были
script/clients --upgrade         # сначала взять новейшие версии клиентов для Python
```

Нужны Python 3.11 и Node.js 20 с npm. Клиенты расходятся в версиях общих библиотек, поэтому окружений несколько;
скрипт делает их сам в `var/clients` по точным версиям из `clients/`. Сервис он запускает свой, на свободном
порту и с пустой базой, и потом останавливает. Исходы он пишет в `clients/results.json` и на эту страницу;
код возврата 0 значит, что ни одного «нет» среди запущенного не было.

Программы в `clients/`, по одной на клиент, годятся как примеры.
"""


class Run(TypedDict):
    """The last run of a client; `outcomes` maps model and feature to `pass` or an error's first line."""

    date: str
    versions: dict[str, str]
    outcomes: dict[str, dict[str, str]]


def load() -> dict[str, Run]:
    """Read the results of the last runs by the client's name; none when there are no runs."""
    if not RESULTS.exists():
        return {}
    results: dict[str, Run] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def save(results: dict[str, Run]) -> None:
    """Write the results and the page that follows from them."""
    known = {client.name: results[client.name] for client in CLIENTS if client.name in results}
    text = json.dumps(known, ensure_ascii=False, indent=2)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")
    PAGE.write_text(render(known), encoding="utf-8")


def render(results: dict[str, Run]) -> str:
    """Return the page in Markdown."""
    failures: list[str] = []
    table = [_row(["Клиент", "Модель", *FEATURES.values()]), "|" + " --- |" * (2 + len(FEATURES))]
    table += [
        _row(_cells(client, model.chat, results.get(client.name), failures))
        for client in CLIENTS
        for model in MODELS
    ]
    sections = [_INTRODUCTION, "\n".join(table) + "\n"]
    if failures:
        sections.append("".join(f"{number}. {why}\n" for number, why in enumerate(failures, 1)))
    sections += [_FEATURES, "".join(_runs(results)), _HOW_TO_RUN]
    return "\n".join(sections)


def _cells(client: Client, model: str, run: Run | None, failures: list[str]) -> Iterator[str]:
    """Yield a row of the first table and add the reasons of what failed."""
    yield client.title
    yield f"`{model}`"
    outcomes = run["outcomes"].get(model, {}) if run else {}
    for feature in FEATURES:
        match outcomes.get(feature):
            case None:
                yield ""
            case "pass":
                yield "да"
            case error:
                failures.append(f"{client.title}, `{model}`: `{error.replace('`', chr(39))}`")
                yield f"нет ({len(failures)})"


def _runs(results: dict[str, Run]) -> Iterator[str]:
    yield "## Что и когда запускалось\n\n"
    yield _row(["Клиент", "Версии", "Дата", "Задано, кроме адреса и ключа"]) + "\n"
    yield "| --- | --- | --- | --- |\n"
    for client in CLIENTS:
        run = results.get(client.name)
        versions = run["versions"] if run else {}
        named = ", ".join(f"{package} {version}" for package, version in versions.items())
        yield _row([client.title, named, run["date"] if run else "", client.settings]) + "\n"


def _row(cells: list[str] | Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"
