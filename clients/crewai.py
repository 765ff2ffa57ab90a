"""CrewAI: a crew of one agent over `LLM`, which goes to any address of OpenAI's form by `custom_openai`."""

from typing import Any

from crewai import LLM, Agent, Crew, Task
from crewai.rag.embeddings.factory import build_embedder
from crewai.tools import tool

from clients import trial

get_weather = tool("get_weather")(trial.get_weather)


def chat(model: str) -> str:
    return str(_crew(model, trial.QUESTION).kickoff())


def stream(model: str) -> list[str]:
    return _streamed(_crew(model, trial.QUESTION, stream=True))


def tools(model: str) -> str:
    return str(_crew(model, trial.WEATHER_QUESTION, [get_weather]).kickoff())


def streamed_tools(model: str) -> list[str]:
    return _streamed(_crew(model, trial.WEATHER_QUESTION, [get_weather], stream=True))


def structured(model: str) -> list[Any]:
    by_task = _crew(model, trial.PERSON_REQUEST, output_pydantic=trial.Person).kickoff()
    by_model = _model(model, response_format=trial.Person).call(trial.PERSON_REQUEST)
    return [by_task.pydantic, by_model]


def embeddings(model: str) -> list[list[float]]:
    config = {"model_name": model, "api_key": trial.API_KEY, "api_base": trial.BASE_URL}
    embed = build_embedder({"provider": "openai", "config": config})
    return [list(map(float, vector)) for vector in embed(trial.TEXTS)]


def _streamed(crew: Crew) -> list[str]:
    return [chunk.content for chunk in crew.kickoff()]


def _crew(
    model: str, question: str, tools: list[Any] | None = None, *, stream: bool = False, **task: Any
) -> Crew:
    agent = Agent(
        role="Помощник",
        goal="Отвечать на вопросы",
        backstory="Отвечает коротко.",
        llm=_model(model, stream=stream),
        tools=tools or [],
        max_iter=3,
    )
    asked = Task(description=question, expected_output="Ответ", agent=agent, **task)
    return Crew(agents=[agent], tasks=[asked], stream=stream)


def _model(name: str, **options: Any) -> Any:
    return LLM(
        model=name,
        custom_openai=True,
        base_url=trial.BASE_URL,
        api_key=trial.API_KEY,
        max_retries=0,
        **options,
    )


trial.run(
    "crewai",
    "openai",
    chat=chat,
    stream=stream,
    tools=tools,
    streamed_tools=streamed_tools,
    structured=structured,
    embeddings=embeddings,
)
