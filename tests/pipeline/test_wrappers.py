"""A request gets the wrappers that it needs, and nothing of it is rebuilt that stays as it is."""

import inspect
from collections.abc import Generator

import pytest

from gateway.pipeline.emulation.wrappers import with_wrappers
from gateway.pipeline.routing.adaptation import adapt
from gateway.providers.chat_types import ChatChunk, ChatRequest, Message, ResponseFormat, Tool
from gateway.providers.profile import ModelProfile
from gateway.providers.tick import Tick
from tests.pipeline.wrapper_chats import EMULATED, HALF_NATIVE, NATIVE, asking, collected, words


class Recorded:
    """A model that keeps the requests it gets and the answers it gives."""

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []
        self.answers: list[Generator[Tick | ChatChunk, None, None]] = []

    def __call__(self, request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        self.requests.append(request)
        self.answers.append(self._run())
        return self.answers[-1]

    def _run(self) -> Generator[Tick | ChatChunk, None, None]:
        yield from words("раз ## два")


@pytest.fixture(params=[NATIVE, HALF_NATIVE, EMULATED], ids=["native", "half", "emulated"])
def profile(request: pytest.FixtureRequest) -> ModelProfile:
    profile: ModelProfile = request.param
    return profile


@pytest.mark.parametrize(
    "request_",
    [asking("Привет"), asking("Привет", stream=True, max_tokens=9, temperature=0.5)],
    ids=["bare", "with parameters"],
)
def test_a_plain_request_and_its_answer_pass_through_no_wrapper(
    profile: ModelProfile, request_: ChatRequest
) -> None:
    model = Recorded()

    answer = with_wrappers(model, profile, provider="p")(request_)

    assert answer is model.answers[0]
    assert model.requests[0] is request_


def test_a_request_that_fits_is_not_rebuilt(profile: ModelProfile) -> None:
    request = asking("Привет", stream=True)

    assert adapt(request, profile)[0] is request


def test_tools_that_may_not_be_called_need_no_check() -> None:
    model = Recorded()

    answer = with_wrappers(model, NATIVE, provider="p")(
        asking("Привет", tools=(Tool("look"),), tool_choice="none")
    )

    assert answer is model.answers[0]


def test_a_history_without_calls_keeps_its_messages() -> None:
    model = Recorded()
    request = asking("Привет", tools=(Tool("look"),))

    collected(with_wrappers(model, EMULATED, provider="p")(request))

    assert model.requests[0].messages[-1] is request.messages[-1]


@pytest.mark.parametrize(
    "wanted", [None, ResponseFormat("text")], ids=["no format", "the format of text"]
)
def test_stop_sequences_cut_words_and_are_not_sent(wanted: ResponseFormat | None) -> None:
    model = Recorded()
    request = asking("Считай", stop=("##",), response_format=wanted)

    answer = collected(with_wrappers(model, NATIVE, provider="p")(request))

    assert (answer.text, answer.finish_reason) == ("раз ", "stop")
    assert model.requests[0].stop == ()
    assert inspect.getgeneratorstate(model.answers[0]) == inspect.GEN_CLOSED


def test_stop_sequences_do_not_cut_a_document() -> None:
    def model(request: ChatRequest) -> Generator[Tick | ChatChunk, None, None]:
        assert request.stop == ()
        yield from words('{"a": "##"}')

    request = ChatRequest(
        (Message("user", "JSON"),), stop=("##",), response_format=ResponseFormat("json_object")
    )

    assert collected(with_wrappers(model, NATIVE, provider="p")(request)).text == '{"a": "##"}'
