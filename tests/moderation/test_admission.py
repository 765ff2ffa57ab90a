"""What of a request is moderated, for whom, and what is written down of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.principal import Principal
from gateway.models import ModerationEvent, ModerationRule
from gateway.moderation import events, live
from gateway.pipeline.admission import moderation
from gateway.pipeline.admission.caller_context import CallerContext
from gateway.pipeline.errors import ModerationRefused
from gateway.providers.chat_types import ChatRequest, Message, ToolCall
from tests.accounts.people import new_key
from tests.moderation.written import rule

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


def said(text: str, role: str = "user") -> ChatRequest:
    return ChatRequest((Message(role, text),))  # type: ignore[arg-type]


def called(arguments: str) -> ChatRequest:
    return ChatRequest((Message("assistant", tool_calls=(ToolCall("1", "order", arguments),)),))


@pytest.fixture
def caller() -> CallerContext:
    ModerationRule.objects.all().delete()
    rule("огурец", "купить", category="illicit").save()
    live.reset()
    key, _ = new_key()
    principal = Principal(key.account_id, key.account.owner_id, "key", key.pk, frozenset(), "")
    return CallerContext.of(principal)


@pytest.mark.parametrize(
    "request_",
    [
        said("купить огурец", "system"),
        said("купить огурец", "user"),
        said("купить огурец", "tool"),
        called('{"what": "купить огурец"}'),
        called('{"what": "\\u043a\\u0443\\u043fить\\nогурец"}'),
        called('{"what": "{\\"why\\": \\"\\\\u043aупить огурец\\"}"}'),
        called('{"what": "купить огурец'),
        called(r'{"what": "купить \ud835\udc28\ud835\udc20yрец"}'),
        said('{"found": "купить \\u043egurec огур\\u0435ц"}', "tool"),
        ChatRequest((Message("system", "купить огу"), Message("assistant", "?"), Message("user", "рец"))),
    ],
)  # fmt: skip
def test_all_that_is_not_a_models_own_text_is_moderated(
    caller: CallerContext, request_: ChatRequest
) -> None:
    with pytest.raises(ModerationRefused) as refusal:
        moderation.screen(request_, caller)

    assert refusal.value.reasons == ("illicit",)
    assert refusal.value.flagged_input


@pytest.mark.parametrize(
    "request_",
    [
        said("купить огурец", "assistant"),
        ChatRequest((Message("user", "купить огу"), Message("user", "рец")), is_batch=True),
        said(r"C:\users\me"),
        said("\\u"),
    ],
)
def test_a_models_own_text_and_prompts_of_a_batch_stand_alone(
    caller: CallerContext, request_: ChatRequest
) -> None:
    moderation.screen(request_, caller)


def test_a_refusal_is_written_down_and_a_plan_is_not(caller: CallerContext) -> None:
    with pytest.raises(ModerationRefused):
        moderation.judge(said("купить огурец"), caller)
    assert not ModerationEvent.objects.exists()

    with pytest.raises(ModerationRefused):
        moderation.screen(said("Хочу\0 купить огурец\ud800"), caller)

    event = ModerationEvent.objects.get()
    assert (event.account_id, event.credential_id) == (
        caller.principal.account_id,
        caller.principal.credential_id,
    )
    assert (event.category, event.rule, event.action) == ("illicit", "example", "block")
    assert event.excerpt == "Хочу  купить огурец?"


def test_a_rule_that_counts_lets_pass(caller: CallerContext) -> None:
    ModerationRule.objects.update(action="flag")
    live.reset()
    assert not live.is_moderated()

    moderation.screen(said("купить огурец"), caller)

    assert ModerationEvent.objects.get().action == "flag"
    found = ModerationRule.objects.annotate(found=events.found_since_yesterday())
    assert found.values_list("name", "found").get() == ("example", 1)


def test_a_rule_holds_for_its_tier(caller: CallerContext) -> None:
    ModerationRule.objects.update(tier="free")
    live.reset()
    paid = caller._replace(tier=caller.tier._replace(name="paid"))

    with pytest.raises(ModerationRefused):
        moderation.screen(said("купить огурец"), caller)
    moderation.screen(said("купить огурец"), paid)


def test_the_phrase_for_tests_is_refused_without_any_rule(caller: CallerContext) -> None:
    ModerationRule.objects.all().delete()
    live.reset()
    assert not live.is_moderated()

    with pytest.raises(ModerationRefused) as refusal:
        moderation.screen_texts(["Привет", "XRouter-Moderation-Test"], caller)

    assert refusal.value.reasons == ("test",)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_waited_for_to_write_an_event_down(caller: CallerContext) -> None:
    for _ in range(3):
        with pytest.raises(ModerationRefused):
            moderation.screen(said("купить огурец"), caller)

    assert events.flush(10)
    assert ModerationEvent.objects.count() == 3


def test_old_events_are_deleted(caller: CallerContext) -> None:
    with pytest.raises(ModerationRefused):
        moderation.screen(said("купить огурец"), caller)
    ModerationEvent.objects.update(created_at=timezone.now() - timedelta(days=29))
    assert events.delete_old() == 0
    ModerationEvent.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert events.delete_old() == 1
