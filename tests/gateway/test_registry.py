"""A built-in provider is named in its own folders and in the registry, and nowhere else in the code."""

import ast
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.models.provider_credentials import ProviderCredential
from gateway.providers import registry
from gateway.providers.registry import BUILT_IN, BuiltInProvider
from sandbox.server import EMULATORS, Sandbox

PROJECT = pathlib.Path(__file__).parent.parent.parent
APPS = ("gateway", "billing", "accounts", "web", "infra")
REGISTRY = pathlib.Path("gateway/providers/registry.py")
EXAMPLES = pathlib.Path("gateway/api/schema")
"""The API's description: examples of requests and answers, which name providers as any document does."""

SLUGS = "|".join(BUILT_IN)
VARIABLES = "|".join(
    {
        variable.partition("_")[0]
        for item in BUILT_IN.values()
        for variable in item.settings.values()
    }
)
TITLES = "|".join(item.title for item in BUILT_IN.values())
IN_TEXT = re.compile(
    rf"({SLUGS}|{TITLES})|({VARIABLES})_[A-Z_]+|.*\b(providers|sandbox)\.({SLUGS})\b.*", re.DOTALL
)
"""A whole text that is a slug, a title or a variable, or the dotted path of a module. Prose may name them."""
IN_CODE = re.compile(rf"{SLUGS}|{VARIABLES}", re.IGNORECASE)
"""Part of an identifier or of an imported module's name."""


def _sources() -> Iterator[pathlib.Path]:
    own = {pathlib.Path("gateway/providers") / slug for slug in BUILT_IN}
    for app in APPS:
        for path in sorted((PROJECT / app).rglob("*.py")):
            found = path.relative_to(PROJECT)
            is_exempt = found == REGISTRY or "migrations" in found.parts
            if not is_exempt and not own & set(found.parents) and EXAMPLES not in found.parents:
                yield found


def _namings(source: str) -> list[str]:
    """Return where code names a provider."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)):
                is_naming = IN_TEXT.fullmatch(text) is not None
            case ast.Import(names=names):
                is_naming = any(IN_CODE.search(alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names):
                texts = [module or "", *(alias.name for alias in names)]
                is_naming = any(map(IN_CODE.search, texts))
            case (
                ast.Name(id=text)
                | ast.Attribute(attr=text)
                | ast.arg(arg=text)
                | ast.keyword(arg=str(text))
                | ast.FunctionDef(name=text)
                | ast.ClassDef(name=text)
            ):
                is_naming = IN_CODE.search(text) is not None
            case _:
                is_naming = False
        if is_naming:
            found.append(f"line {getattr(node, 'lineno', '?')}: {ast.unparse(node)}")
    return found


def test_no_other_code_names_a_provider() -> None:
    found = {str(path): _namings((PROJECT / path).read_text()) for path in _sources()}
    assert len(found) > 200
    assert {path: namings for path, namings in found.items() if namings} == {}


@pytest.mark.parametrize(
    "source",
    [
        'slug = "gigachat"',
        'NAMES = {"yandexgpt": 1}',
        'title = "GigaChat"',
        'get("YANDEX_FOLDER_ID")',
        "settings.GIGACHAT_SCOPE",
        "from gateway.providers.gigachat.adapter import Adapter",
        "from gateway.providers import yandexgpt",
        "import sandbox.yandexgpt.emulator",
        'load("gateway.providers.gigachat.adapter")',
        "def _yandex_secret(): ...",
    ],
)
def test_a_naming_is_found(source: str) -> None:
    assert len(_namings(source)) == 1


def test_prose_may_name_a_provider() -> None:
    assert _namings('help_text = _("gigachat, yandexgpt, or the slug of a server.")') == []


@pytest.mark.parametrize("provider", BUILT_IN.values(), ids=lambda item: item.slug)
def test_a_provider_has_its_folders_its_variables_and_its_models(
    provider: BuiltInProvider, settings: Any
) -> None:
    wire = "openai_compatible" if provider.is_compatible else provider.slug
    assert (PROJECT / "gateway/providers" / wire / "adapter.py").exists()
    assert (PROJECT / "sandbox" / wire / "emulator.py").exists()
    assert provider.addresses <= set(provider.settings)
    variables = [provider.secret, provider.concurrency, *provider.settings.values()]
    for variable in filter(None, [*variables, provider.secret_file]):
        assert hasattr(settings, variable)
    catalogue = (PROJECT / "gateway/catalog/catalogue.toml").read_text()
    assert f'"{provider.slug}"' in catalogue


@pytest.mark.parametrize("provider", BUILT_IN.values(), ids=lambda item: item.slug)
def test_the_form_says_which_settings_a_credential_may_have(provider: BuiltInProvider) -> None:
    help_text = ProviderCredential._meta.get_field("settings").help_text
    assert f"{provider.slug}: {', '.join(provider.settings)}" in str(help_text)


def test_the_sandbox_emulates_every_provider() -> None:
    with Sandbox() as sandbox:
        environment = sandbox.environment()
        names = [emulator.name for emulator in sandbox.emulators]
        assert len(names) == len(EMULATORS)
        own_wires = [item for item in BUILT_IN.values() if not item.is_compatible]
        assert {item.slug for item in own_wires} | {"openai_compatible"} == set(names)
        for provider in own_wires:
            assert provider.has_secret(lambda name: environment.get(name, ""))
            own = provider.complete({}, lambda name: environment.get(name, ""))
            assert all(
                own[name].startswith(sandbox.origin(provider.slug))
                for name in provider.addresses
                if own[name]
            )


def test_a_server_goes_by_its_slug_and_a_built_in_provider_by_its_title() -> None:
    assert registry.title("vllm") == "vllm"
    assert [registry.title(slug) for slug in BUILT_IN] == [item.title for item in BUILT_IN.values()]


def test_the_secret_is_read_from_its_file_where_there_is_no_other(tmp_path: pathlib.Path) -> None:
    [provider] = [item for item in BUILT_IN.values() if item.secret_file]
    file = tmp_path / "key.json"
    file.write_text("{}")
    environment = {provider.secret_file: str(file)}

    assert provider.has_secret(lambda name: environment.get(name, ""))
    assert provider.read_secret(lambda name: environment.get(name, "")) == "{}"
    environment[provider.secret] = "key"
    assert provider.read_secret(lambda name: environment.get(name, "")) == "key"
    lost = {provider.secret_file: str(tmp_path / "lost")}
    with pytest.raises(ValueError, match=provider.secret_file):
        provider.read_secret(lambda name: lost.get(name, ""))


def test_the_command_prints_what_points_xrouter_to_the_sandbox() -> None:
    ports = [f"--{name}-port=0" for name in ("gigachat", "yandex", "openai")]
    with subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", *ports],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        printed = [command.stdout.readline() for _ in range(5 + len(Sandbox().emulators) + 5)]
        command.send_signal(signal.SIGINT)
        assert command.wait(20) == 0
    exported = dict(
        line.removeprefix("export ").strip().split("=", 1)
        for line in printed
        if line.startswith("export ")
    )
    for provider in (item for item in BUILT_IN.values() if not item.is_compatible):
        assert exported[provider.secret]
        assert exported[provider.settings["base_url"]].startswith("http://127.0.0.1:")
