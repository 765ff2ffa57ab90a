"""Who is tried and what of: the clients with their environments, the features, the models."""

from dataclasses import dataclass
from typing import Literal

Environment = Literal["a", "b", "c", "d", "e", "f", "g", "h", "npm"]


@dataclass(frozen=True, slots=True)
class Text:
    """What the page says in Russian and in English."""

    ru: str
    en: str


@dataclass(frozen=True, slots=True)
class Client:
    """A row of the page. `program` is a module of `clients`, or a file of `clients/npm`.

    A plain text is the same in both languages. `prefix` ends the address that the client is given; `api` is
    for clients that have both of OpenAI's.
    """

    name: str
    title: str | Text
    program: str
    environment: Environment
    settings: str | Text = ""
    prefix: Literal["/v1", "/api/v1"] = "/v1"
    api: Literal["chat", "responses"] = "chat"


@dataclass(frozen=True, slots=True)
class RosterModel:
    """A model to chat with, and its provider's model for embeddings."""

    chat: str
    embeddings: str


CLIENTS = (
    Client("openai-python", "openai (Python)", "openai_python", "a"),
    Client(
        "openai-python-2",
        Text(
            "openai (Python), версия 2",
            "openai (Python), version 2",
        ),
        "openai_python",
        "b",
    ),
    Client(
        "openai-responses", "openai (Python), Responses", "openai_responses", "a", api="responses"
    ),
    Client("openai-node", "openai (Node)", "openai_node.mjs", "npm"),
    Client(
        "langchain",
        "LangChain",
        "langchain",
        "a",
        Text(
            "эмбеддингам `check_embedding_ctx_length=False`: иначе вместо текста уходят номера токенов OpenAI",
            "`check_embedding_ctx_length=False` for embeddings: otherwise OpenAI's token ids are sent for text",
        ),
    ),
    Client(
        "langchain-standard-tests",
        Text(
            "LangChain, его стандартные тесты",
            "LangChain, its standard tests",
        ),
        "langchain_standard_tests",
        "a",
        Text(
            "`langchain-tests` к `ChatOpenAI` и `OpenAIEmbeddings`: «да» — прошли все тесты этой части, кроме "
            "`test_json_mode` (песочница не читает имён полей из слов) и тех, что качают картинки, звук и PDF; "
            "`stream_usage=True`, `check_embedding_ctx_length=False`",
            "`langchain-tests` of `ChatOpenAI` and `OpenAIEmbeddings`: “yes” if all tests of the part "
            "passed, but for `test_json_mode` (the sandbox reads no names of fields from words) and those "
            "that fetch pictures, sound and PDF; `stream_usage=True`, `check_embedding_ctx_length=False`",
        ),
    ),
    Client(
        "langchain-responses",
        "LangChain, Responses",
        "langchain",
        "a",
        Text(
            "`use_responses_api=True`; эмбеддингам `check_embedding_ctx_length=False`",
            "`use_responses_api=True`; `check_embedding_ctx_length=False` for embeddings",
        ),
        api="responses",
    ),
    Client("instructor", "instructor", "instructor", "c"),
    Client(
        "pydantic-ai",
        "pydantic-ai",
        "pydantic_ai",
        "a",
        Text(
            "`OpenAIChatModel`: чат, а не Responses API",
            "`OpenAIChatModel`: chat, not the Responses API",
        ),
    ),
    Client(
        "pydantic-ai-responses",
        "pydantic-ai, Responses",
        "pydantic_ai",
        "a",
        "`OpenAIResponsesModel`",
        api="responses",
    ),
    Client(
        "openai-agents",
        "openai-agents",
        "openai_agents",
        "a",
        Text(
            "`OpenAIChatCompletionsModel`: чат, а не Responses API; `tracing_disabled`: ничего не уходит в "
            "OpenAI",
            "`OpenAIChatCompletionsModel`: chat, not the Responses API; `tracing_disabled`: nothing goes to "
            "OpenAI",
        ),
    ),
    Client(
        "openai-agents-responses",
        "openai-agents, Responses",
        "openai_agents",
        "a",
        Text(
            "`OpenAIResponsesModel`, класс по умолчанию; `tracing_disabled`: ничего не уходит в OpenAI",
            "`OpenAIResponsesModel`, the default class; `tracing_disabled`: nothing goes to OpenAI",
        ),
        api="responses",
    ),
    Client(
        "llama-index",
        "LlamaIndex, `OpenAILike`",
        "llama_index",
        "g",
        Text(
            "`is_chat_model=True`, `is_function_calling_model=True`; ответ по схеме и с "
            "`should_use_structured_outputs=True`; эмбеддингам `OpenAILikeEmbedding`",
            "`is_chat_model=True`, `is_function_calling_model=True`; structured output also with "
            "`should_use_structured_outputs=True`; `OpenAILikeEmbedding` for embeddings",
        ),
    ),
    Client(
        "haystack",
        "Haystack",
        "haystack",
        "f",
        Text(
            "`OpenAIChatGenerator`: адрес в `api_base_url`",
            "`OpenAIChatGenerator`: the address in `api_base_url`",
        ),
    ),
    Client(
        "smolagents",
        "smolagents",
        "smolagents",
        "f",
        Text(
            "`OpenAIServerModel`: адрес в `api_base`; инструменты у `ToolCallingAgent`",
            "`OpenAIServerModel`: the address in `api_base`; tools of a `ToolCallingAgent`",
        ),
    ),
    Client(
        "llm",
        "llm (simonw)",
        "llm",
        "f",
        Text(
            "модель в `extra-openai-models.yaml` с `supports_tools` и `supports_schema`; адреса для "
            "эмбеддингов у него нет",
            "the model in `extra-openai-models.yaml` with `supports_tools` and `supports_schema`; it has no "
            "address for embeddings",
        ),
    ),
    Client(
        "autogen",
        "AutoGen",
        "autogen",
        "f",
        Text(
            "`OpenAIChatCompletionClient` с `model_info`: незнакомую модель без него не берёт",
            "`OpenAIChatCompletionClient` with `model_info`: without it an unknown model is not taken",
        ),
    ),
    Client(
        "semantic-kernel",
        "Semantic Kernel",
        "semantic_kernel",
        "f",
        Text(
            "адрес в `AsyncOpenAI`, который берут `OpenAIChatCompletion` и `OpenAITextEmbedding`",
            "the address in the `AsyncOpenAI` that `OpenAIChatCompletion` and `OpenAITextEmbedding` take",
        ),
    ),
    Client(
        "crewai",
        "CrewAI",
        "crewai",
        "g",
        Text(
            "`LLM` с `custom_openai=True`",
            "`LLM` with `custom_openai=True`",
        ),
    ),
    Client(
        "aider",
        "aider",
        "aider",
        "h",
        Text(
            "программа: `--openai-api-base`, имя модели с приставкой `openai/`; с потоком и без; инструментов "
            "не вызывает",
            "a program: `--openai-api-base`, the model's name prefixed with `openai/`; streamed and not; it "
            "calls no tools",
        ),
    ),
    Client(
        "litellm",
        Text(
            "LiteLLM как клиент",
            "LiteLLM as a client",
        ),
        "litellm",
        "b",
        Text(
            "имя модели с приставкой `openai/`; пакет `litellm[mcp]`: без `mcp` эта версия не принимает "
            "`tools`; `LITELLM_LOCAL_MODEL_COST_MAP=True`: цены не скачиваются",
            "the model's name prefixed with `openai/`; the package `litellm[mcp]`: without `mcp` this "
            "version takes no `tools`; `LITELLM_LOCAL_MODEL_COST_MAP=True`: no prices are fetched",
        ),
    ),
    Client(
        "anthropic",
        "anthropic (Python)",
        "anthropic_python",
        "a",
        Text(
            "протокол Anthropic, `/v1/messages`: адрес без `/v1`",
            "Anthropic's protocol, `/v1/messages`: the address without `/v1`",
        ),
    ),
    Client(
        "anthropic-node",
        "anthropic (Node)",
        "anthropic_node.mjs",
        "npm",
        Text(
            "протокол Anthropic, `/v1/messages`: адрес без `/v1`",
            "Anthropic's protocol, `/v1/messages`: the address without `/v1`",
        ),
    ),
    Client(
        "langchain-anthropic",
        "LangChain, `ChatAnthropic`",
        "langchain_anthropic",
        "a",
        Text(
            "протокол Anthropic, `/v1/messages`: адрес без `/v1`",
            "Anthropic's protocol, `/v1/messages`: the address without `/v1`",
        ),
    ),
    Client(
        "codex",
        "Codex",
        "codex.mjs",
        "npm",
        Text(
            "программа `codex exec`, Responses: см. [Codex](codex.md); инструмент — команда в папке",
            "the program `codex exec`, Responses: see [Codex](codex.md); the tool is a command in a folder",
        ),
        api="responses",
    ),
    Client(
        "claude-code",
        "Claude Code",
        "claude_code.mjs",
        "npm",
        Text(
            "программа `claude -p`, протокол Anthropic: см. [агенты](agents.md#claude-code); инструмент — "
            "команда в папке, один из всех: `--tools Bash`",
            "the program `claude -p`, Anthropic's protocol: see [agents](agents.md#claude-code); the tool "
            "is a command in a folder, the only one of all: `--tools Bash`",
        ),
    ),
    Client(
        "continue",
        "Continue",
        "continue.mjs",
        "npm",
        Text(
            "программа `cn -p`: см. [агенты](agents.md#continue); инструмент — команда в папке",
            "the program `cn -p`: see [agents](agents.md#continue); the tool is a command in a folder",
        ),
    ),
    Client(
        "cline",
        "Cline",
        "cline.mjs",
        "npm",
        Text(
            "программа `cline`: см. [агенты](agents.md#cline); инструмент — команда в папке",
            "the program `cline`: see [agents](agents.md#cline); the tool is a command in a folder",
        ),
    ),
    Client(
        "ai-sdk",
        "Vercel AI SDK",
        "ai_sdk.mjs",
        "npm",
        Text(
            "провайдер `@ai-sdk/openai-compatible` с `supportsStructuredOutputs: true`",
            "the provider `@ai-sdk/openai-compatible` with `supportsStructuredOutputs: true`",
        ),
    ),
    Client(
        "ai-sdk-openai",
        Text(
            "Vercel AI SDK, провайдер OpenAI",
            "Vercel AI SDK, OpenAI provider",
        ),
        "openai_ai_sdk.mjs",
        "npm",
        Text(
            "провайдер `@ai-sdk/openai`: по умолчанию Responses",
            "the provider `@ai-sdk/openai`: Responses by default",
        ),
        api="responses",
    ),
    Client(
        "openrouter-python",
        "OpenRouter (Python)",
        "openrouter_python",
        "d",
        Text(
            "адрес `/api/v1` в `server_url`",
            "the address `/api/v1` in `server_url`",
        ),
        "/api/v1",
    ),
    Client(
        "openrouter-node",
        "OpenRouter (Node)",
        "openrouter_node.mjs",
        "npm",
        Text(
            "адрес `/api/v1` в `serverURL`",
            "the address `/api/v1` in `serverURL`",
        ),
        "/api/v1",
    ),
    Client(
        "langchain-openrouter",
        "LangChain, `ChatOpenRouter`",
        "langchain_openrouter",
        "e",
        Text(
            "адрес `/api/v1`",
            "the address `/api/v1`",
        ),
        "/api/v1",
    ),
    Client(
        "openrouter-ai-sdk",
        Text(
            "Vercel AI SDK, провайдер OpenRouter",
            "Vercel AI SDK, OpenRouter provider",
        ),
        "openrouter_ai_sdk.mjs",
        "npm",
        Text(
            "адрес `/api/v1`",
            "the address `/api/v1`",
        ),
        "/api/v1",
    ),
)
MODELS = (RosterModel("gigachat-pro", "embeddings"), RosterModel("yandexgpt", "text-search-doc"))
FEATURES = {
    "chat": Text(
        "Чат",
        "Chat",
    ),
    "stream": Text(
        "Поток",
        "Stream",
    ),
    "tools": Text(
        "Инструмент",
        "Tool",
    ),
    "streamed_tools": Text(
        "Инструмент в потоке",
        "Tool, streamed",
    ),
    "structured": Text(
        "Ответ по схеме",
        "Structured",
    ),
    "embeddings": Text(
        "Эмбеддинги",
        "Embeddings",
    ),
    "account": Text(
        "Модели и счёт",
        "Models, account",
    ),
}
