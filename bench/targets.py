"""What is measured: trees of XRouter, a bare relay, and other gateways in environments of their own."""

import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.processes import CACHE, free_port, process, wait_for

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = {
    "litellm": "litellm[proxy]==1.108.7",
    "gpt2giga": "gpt2giga==0.3.0",
    "portkey": "@portkey-ai/gateway@1.15.2",
}
RELAYS = {
    "relay": "bench.relay:application",
    "relay-urllib3": "bench.relay:urllib3_application",
}
MESSAGE = "Расскажи коротко, зачем нужен шлюз к языковым моделям. " * 4
CUSTOMERS = ROOT / "bench" / "customers.py"


@dataclass
class Target:
    """A gateway that runs; requests take `keys` in turn. `process_id` is that of its tree."""

    name: str
    port: int
    process_id: int
    keys: Sequence[str]
    model: str = "GigaChat-2-Pro"
    path: str = "/v1/chat/completions"
    headers: str = ""

    def requests(self, *, stream: bool) -> list[bytes]:
        """Return the request of each key."""
        body = json.dumps(
            {
                "model": self.model,
                "messages": [{"role": "user", "content": MESSAGE}],
                "max_tokens": 500,
                "stream": stream,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        return [
            (
                f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                f"Authorization: Bearer {key}\r\nUser-Agent: bench\r\nAccept: */*\r\n{self.headers}"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode()
            + body
            for key in self.keys
        ]


def own_environment(upstream: str, port: int) -> dict[str, str]:
    """Return the environment of a tree, without its stores."""
    return os.environ | {
        "PORT": str(port),
        "BIND": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
        "SECRET_KEY": "of-the-bench-alone-" + "0" * 40,
        "LOG_LEVEL": "WARNING",
        "GIGACHAT_CREDENTIALS": "Y2FubmVkOmNhbm5lZA==",
        "GIGACHAT_AUTH_URL": f"{upstream}/oauth",
        "GIGACHAT_BASE_URL": f"{upstream}/v1",
        "YANDEX_API_KEY": "canned",
        "YANDEX_FOLDER_ID": "canned",
        "YANDEX_BASE_URL": upstream,
    }


@contextlib.contextmanager
def xrouter(
    name: str,
    folder: pathlib.Path,
    *,
    upstream: str,
    stores: Mapping[str, str],
    accounts: int,
    generations: int = 0,
    core: str,
    model: str = "gigachat-2-pro",
) -> Iterator[Target]:
    """Serve a tree of XRouter, and `accounts` with a key each; `stores` are its variables."""
    port = free_port()
    environment = own_environment(upstream, port) | {"PYTHONPATH": str(folder)} | stores
    migrate = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(migrate, env=environment, cwd=folder, check=True)
    keys = subprocess.run(
        [sys.executable, CUSTOMERS, f"--accounts={accounts}", f"--generations={generations}"],
        env=environment,
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split()
    command = [sys.executable, "-m", "gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"]
    with process(command, core=core, environment=environment, folder=folder, log=name) as pid:
        wait_for(port, "/health", name)
        yield Target(name, port, pid, keys, model)


@contextlib.contextmanager
def relay(name: str, *, upstream: str, core: str) -> Iterator[Target]:
    """Serve a bare relay by our own worker class."""
    port = free_port()
    environment = own_environment(upstream, port) | {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",  # it stands for the worker class alone
        "UPSTREAM": f"{upstream}/v1",
    }
    command = [sys.executable, "-m", "gunicorn", RELAYS[name], "-c", "gunicorn.conf.py"]
    with process(command, core=core, environment=environment, folder=ROOT, log=name) as pid:
        wait_for(port, "/", name)
        yield Target(name, port, pid, ["none"])


def installed(name: str) -> pathlib.Path:
    """Return the folder of a peer's environment; install it from its registry where it is not there.

    Each interpreter has its own: those that Python runs are measured on the one that runs us.
    """
    version = PEERS[name].rpartition("@" if name == "portkey" else "=")[2]
    folder = CACHE / platform.python_version() / f"{name}-{version}"
    mark = folder / "installed"
    if not mark.exists():
        print(f"installing {PEERS[name]} into {folder}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        if name == "portkey":
            npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, PEERS[name]]
            subprocess.run(npm, check=True, stdout=subprocess.DEVNULL)
        else:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", PEERS[name]]
            subprocess.run(pip, check=True)
        mark.touch()
    return folder


@contextlib.contextmanager
def peer(name: str, *, upstream: str, core: str) -> Iterator[Target]:
    """Serve another gateway in front of the same upstream, with one worker."""
    folder, port = installed(name), free_port()
    environment = dict(os.environ)
    target = Target(name, port, 0, ["sk-bench"])
    command: list[str | pathlib.Path]
    if name == "litellm":
        config = folder / "config.yaml"
        parameters = {"model": "openai/canned", "api_base": f"{upstream}/v1", "api_key": "canned"}
        models = [{"model_name": target.model, "litellm_params": parameters}]
        settings = {"model_list": models, "general_settings": {"master_key": "sk-bench"}}
        config.write_text(json.dumps(settings))
        environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        command = [folder / "bin/litellm", "--config", config, "--host", "127.0.0.1"]
        command += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    elif name == "gpt2giga":
        environment |= {
            "GPT2GIGA_MODE": "PROD",
            "GPT2GIGA_HOST": "127.0.0.1",
            "GPT2GIGA_PORT": str(port),
            "GPT2GIGA_API_KEY": "sk-bench",
            "GPT2GIGA_ENABLE_API_KEY_AUTH": "True",
            "GPT2GIGA_LOG_LEVEL": "WARNING",
            "GIGACHAT_CREDENTIALS": "Y2FubmVkOmNhbm5lZA==",
            "GIGACHAT_AUTH_URL": f"{upstream}/oauth",
            "GIGACHAT_BASE_URL": f"{upstream}/v1",
            "GIGACHAT_VERIFY_SSL_CERTS": "False",
        }
        command = [folder / "bin/gpt2giga"]
    else:
        target.headers = f"x-portkey-provider: openai\r\nx-portkey-custom-host: {upstream}/v1\r\n"
        environment["NODE_ENV"] = "production"
        server = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
        command = ["node", server, "--headless", f"--port={port}"]
    with process(command, core=core, environment=environment, folder=folder, log=name) as pid:
        wait_for(port, "/", name)
        yield dataclasses.replace(target, process_id=pid)
