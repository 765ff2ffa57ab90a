"""Who is tried and what of: the clients with their environments, the features, the models."""

from dataclasses import dataclass
from typing import Literal

Environment = Literal["a", "b", "c", "npm"]


@dataclass(frozen=True, slots=True)
class Client:
    """A row of the page. `program` is a module of `clients`, or a file of `clients/npm`."""

    name: str
    title: str
    program: str
    environment: Environment
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model to chat with, and its provider's model for embeddings."""

    chat: str
    embeddings: str


CLIENTS = (
    Client("openai-python", "openai (Python)", "openai_python", "a"),
    Client("openai-python-2", "openai (Python), версия 2", "openai_python", "b"),
    Client("openai-node", "openai (Node)", "openai_node.mjs", "npm"),
    Client(
        "langchain",
        "LangChain",
        "langchain",
        "a",
        "эмбеддингам `check_embedding_ctx_length=False`: иначе вместо текста уходят номера токенов OpenAI",
    ),
    Client("instructor", "instructor", "instructor", "c"),
    Client(
        "pydantic-ai",
        "pydantic-ai",
        "pydantic_ai",
        "a",
        "`OpenAIChatModel`: чат, а не Responses API",
    ),
    Client(
        "openai-agents",
        "openai-agents",
        "openai_agents",
        "a",
        "`OpenAIChatCompletionsModel`: чат, а не Responses API; `tracing_disabled`: ничего не уходит в OpenAI",
    ),
    Client(
        "litellm",
        "LiteLLM как клиент",
        "litellm",
        "b",
        "имя модели с приставкой `openai/`; пакет `litellm[mcp]`: без `mcp` эта версия не принимает `tools`; "
        "`LITELLM_LOCAL_MODEL_COST_MAP=True`: цены не скачиваются",
    ),
    Client(
        "ai-sdk",
        "Vercel AI SDK",
        "ai_sdk.mjs",
        "npm",
        "провайдер `@ai-sdk/openai-compatible` с `supportsStructuredOutputs: true`",
    ),
)
MODELS = (Model("gigachat-pro", "embeddings"), Model("yandexgpt", "text-search-doc"))
FEATURES = {
    "chat": "Чат",
    "stream": "Поток",
    "tools": "Инструмент",
    "streamed_tools": "Инструмент в потоке",
    "structured": "Ответ по схеме",
    "embeddings": "Эмбеддинги",
}
