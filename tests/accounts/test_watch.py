"""What requests do is watched beside them: six signs, what is done about each, and what is left alone."""

from ipaddress import ip_address

import pytest
from django.core import mail

from accounts.audit.log import AuditEntry
from accounts.errors import TooManyRefusedCredentials
from accounts.keys.key_principal import principal_of
from accounts.models import APIKey, SecurityEvent
from accounts.security import events, mails, sign_ups
from accounts.security.models import Signal
from accounts.security.sharing import SETTLED_S, Alone, Sharing, ThroughRedis
from accounts.security.watch import BLOCKED_S, Watch
from tests.accounts.people import NATASHA, account_of, new_key

pytestmark = [pytest.mark.both_stores, pytest.mark.django_db]


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["alone", "through Redis"])
def sharing(request, redis_url) -> Sharing:
    return Alone() if request.param == "alone" else ThroughRedis(redis_url)


@pytest.fixture
def watch(sharing, clock) -> Watch:
    return Watch(sharing, clock=clock)


@pytest.fixture
def together(redis_url, clock) -> list[Watch]:
    """Return the watches of two processes."""
    return [Watch(ThroughRedis(redis_url), clock=clock) for _ in range(2)]


def look(clock: Clock, *watches: Watch) -> None:
    """Let every watch look until what is watched has settled."""
    for _ in range(4):
        for watch in watches:
            watch.look()
        clock.now_s += SETTLED_S / 2


def raised() -> list[str]:
    return list(SecurityEvent.objects.order_by("pk").values_list("signal", flat=True))


def slowed(key) -> int | None:
    """Return the requests a minute that the key is slowed to, as who authenticates with it is told."""
    return principal_of(APIKey.objects.get(pk=key.pk)).limits.slowed_requests_per_minute


def refuse(watch: Watch, times: int, network: int = 113) -> None:
    for number in range(times):
        watch.refuse(ip_address(f"203.0.{network}.{number % 250}"))


def use(watch: Watch, key, networks: int, first: int = 0) -> None:
    for number in range(first, first + networks):
        watch.note(("used", key.pk, ip_address(f"198.51.{number}.1")))


def test_a_network_of_refused_credentials_is_blocked_for_ten_minutes(watch, clock):
    refuse(watch, 29)
    look(clock, watch)
    assert raised() == []
    refuse(watch, 1)
    watch.look()
    assert raised() == [Signal.REFUSED_CREDENTIALS]
    event = SecurityEvent.objects.get()
    assert (event.network, event.account, event.evidence) == (
        "203.0.113.0/24",
        None,
        {"refused": 30},
    )
    with pytest.raises(TooManyRefusedCredentials) as refusal:
        refuse(watch, 1)
    assert refusal.value.retry_after_s == BLOCKED_S
    refuse(watch, 1, network=114)
    clock.now_s += BLOCKED_S
    refuse(watch, 1)
    look(clock, watch)
    assert len(raised()) == 1
    assert not mail.outbox


def test_a_network_that_goes_on_when_its_block_is_over_is_told_of_again(watch, clock, monkeypatch):
    refuse(watch, 30)
    look(clock, watch)
    monkeypatch.setattr(events, "QUIET_OF_NETWORKS", events.QUIET_OF_NETWORKS * 0)
    clock.now_s += BLOCKED_S
    watch.look()
    refuse(watch, 30)  # so many before anybody looks that no look finds it quiet
    look(clock, watch)
    assert raised() == [Signal.REFUSED_CREDENTIALS] * 2


def test_a_block_reaches_the_other_process(together, clock):
    refuse(together[0], 15)
    refuse(together[1], 15)
    look(clock, *together)
    for watch in together:
        with pytest.raises(TooManyRefusedCredentials):
            refuse(watch, 1)
    assert raised() == [Signal.REFUSED_CREDENTIALS]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "fd00::1"])
def test_a_network_of_our_own_is_none(watch, clock, address):
    for _ in range(50):
        watch.refuse(ip_address(address))
    watch.refuse(None)
    look(clock, watch)
    assert raised() == []


def test_a_stopped_watch_changes_no_request(watch, clock):
    refuse(watch, 30_000)
    refuse(watch, 1)


def test_a_key_of_many_networks_is_slowed_until_its_owner_confirms(watch, clock):
    key, _ = new_key()
    use(watch, key, 5)
    look(clock, watch)
    assert raised() == []
    use(watch, key, 1, first=5)
    look(clock, watch)
    assert raised() == [Signal.MANY_NETWORKS]
    assert slowed(key) == 60
    event = SecurityEvent.objects.get()
    assert len(event.evidence["networks"]) == 6

    use(watch, key, 9)
    look(clock, watch)
    assert len(raised()) == 1
    events.confirm(key.account, event.pk, by=key.user)
    assert slowed(key) is None
    clock.now_s += 3600
    use(watch, key, 2)
    look(clock, watch)
    use(watch, key, 9)
    look(clock, watch)
    assert len(raised()) == 1  # confirmed within the hour, by the database's own clock
    assert "slow" in AuditEntry.objects.values_list("action", flat=True)


def test_what_was_confirmed_is_raised_again_after_an_hour(watch, clock, monkeypatch):
    key, _ = new_key()
    use(watch, key, 6)
    look(clock, watch)
    events.confirm(key.account, SecurityEvent.objects.get().pk, by=key.user)
    monkeypatch.setattr(events, "QUIET", events.QUIET * 0)
    use(watch, key, 6)
    look(clock, watch)
    assert len(raised()) == 1  # it has never ceased
    clock.now_s += 700
    use(watch, key, 1)
    look(clock, watch)
    use(watch, key, 6)
    look(clock, watch)
    assert raised() == [Signal.MANY_NETWORKS] * 2


def test_the_networks_of_two_processes_are_one_keys(together, clock):
    key, _ = new_key()
    use(together[0], key, 3)
    use(together[1], key, 3, first=3)
    look(clock, *together)
    assert raised() == [Signal.MANY_NETWORKS]


def test_a_network_that_goes_on_counts_from_its_last_use(together, clock):
    key, _ = new_key()
    for _ in range(3):
        use(together[0], key, 1)
        together[0].look()
        clock.now_s += 55
    clock.now_s += 520  # the first use is older than the window, the last is not
    look(clock, together[0])
    use(together[1], key, 5, first=1)
    look(clock, *together)
    assert raised() == [Signal.MANY_NETWORKS]


def test_refusals_of_moderation_are_told_to_the_owner_once(
    watch, clock, django_capture_on_commit_callbacks
):
    account = account_of()
    for _ in range(11):
        watch.note(("moderated", account.pk, None))
    with django_capture_on_commit_callbacks() as callbacks:
        look(clock, watch)
        look(clock, watch)
    assert raised() == [Signal.MODERATION_REFUSALS]
    [event] = SecurityEvent.objects.filter(account=account)
    assert event.evidence == {"refused": 11, "requests": 11}
    assert len(callbacks) == 1
    mails.send(event.pk)
    [letter] = mail.outbox
    assert letter.to == [NATASHA]
    assert "/cabinet/security/" in letter.body
    assert "11" in letter.body


def test_an_accounts_good_requests_in_another_process_count_too(together, clock):
    account = account_of()
    for _ in range(12):
        together[0].note(("moderated", account.pk, None))
    together[0].look()
    clock.now_s += 1
    for _ in range(20):
        together[1].note(("ended", account.pk, None))
    look(clock, *together)
    assert raised() == []


def test_requests_that_are_left_before_their_answer_are_a_sign(watch, clock):
    account, other = account_of(), account_of("pierre@example.ru")
    for kind, times, of in (("left", 20, account), ("ended", 19, account), ("left", 19, other)):
        for _ in range(times):
            watch.note((kind, of.pk, None))
    look(clock, watch)
    assert [(event.signal, event.account_id) for event in SecurityEvent.objects.all()] == [
        (Signal.ABANDONED_REQUESTS, account.pk)
    ]


def test_many_accounts_of_one_network_are_a_sign_for_operators(watch, clock):
    network = "203.0.113.0/24"
    for number in range(6):
        account = account_of(f"{number}@example.ru")
        sign_ups.record(account_id=account.pk, network=network)
        watch.note(("signed_up", network, None))
        watch.look()
        assert len(raised()) == (number > 4)
    event = SecurityEvent.objects.get()
    assert (event.network, event.account, len(event.evidence["accounts"])) == (network, None, 6)
    watch.note(("signed_up", network, None))
    look(clock, watch)
    assert len(raised()) == 1


def test_with_redis_away_each_process_watches_alone(clock):
    watch = Watch(ThroughRedis("redis://127.0.0.1:1/0"), clock=clock)
    refuse(watch, 30)
    watch.look()
    with pytest.raises(TooManyRefusedCredentials):
        refuse(watch, 1)
    key, _ = new_key()
    use(watch, key, 6)
    look(clock, watch)
    assert raised() == [Signal.REFUSED_CREDENTIALS, Signal.MANY_NETWORKS]


def test_a_revoked_or_unknown_key_is_no_trouble(watch, clock):
    class Gone:
        pk = 2**40

    use(watch, Gone, 6)
    look(clock, watch)
    assert raised() == []


def test_another_persons_event_cannot_be_confirmed(watch, clock):
    key, _ = new_key()
    use(watch, key, 6)
    look(clock, watch)
    other = account_of("pierre@example.ru")
    with pytest.raises(events.NoSuchEvent):
        events.confirm(other, SecurityEvent.objects.get().pk, by=other.owner)
    assert slowed(key) == 60
