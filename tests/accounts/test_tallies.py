"""When counts are a sign: the thresholds, their windows, and what several processes saw together."""

import pytest

from accounts.client_address import client_address
from accounts.networks import network_of, sender_of
from accounts.security.tallies import NetworksTally, RefusedTally, RequestsTally, Subjects

NOW_S = 1_800_000_000.0


def refused(*, count: int, ago_s: float = 0) -> RefusedTally:
    tally = RefusedTally()
    for _ in range(count):
        tally.note(NOW_S - ago_s)
    return tally


@pytest.mark.parametrize(
    ("counts", "is_sign"),
    [
        ([(30, 0)], True),
        ([(29, 0)], False),
        ([(15, 0), (15, 59)], True),
        ([(15, 0), (15, 61)], False),
    ],
)
def test_thirty_refused_credentials_in_a_minute_are_a_sign(counts, is_sign):
    tallies = [refused(count=count, ago_s=ago_s).shared(NOW_S) for count, ago_s in counts]
    assert (RefusedTally.judge(tallies, NOW_S) is not None) is is_sign


@pytest.mark.parametrize(
    ("networks", "ago_s", "is_sign"), [(6, 599, True), (5, 0, False), (6, 601, False)]
)
def test_a_key_in_more_than_five_networks_in_ten_minutes_is_a_sign(networks, ago_s, is_sign):
    tallies = [NetworksTally(), NetworksTally()]
    tallies[1].note("network 0", NOW_S - ago_s)
    for number in range(networks):
        tallies[number % 2].note(f"network {number}", NOW_S - (ago_s if number else 0))
    found = NetworksTally.judge([tally.shared(NOW_S) for tally in tallies], NOW_S)
    assert (found is not None) is is_sign
    assert not found or found["networks"] == sorted(f"network {number}" for number in range(6))


def requests(*verdicts: str, ago_s: float = 0) -> RequestsTally:
    """Note requests by letters: `r` refused by moderation, `l` left before the first delta, `.` neither."""
    tally = RequestsTally()
    letters = "".join(verdicts)
    for number, letter in enumerate(letters):
        at_s = NOW_S - ago_s - len(letters) + number
        tally.note(at_s, is_refused=letter == "r", is_left=letter == "l")
    return tally


@pytest.mark.parametrize(
    ("verdicts", "ago_s", "is_sign"),
    [("r" * 11, 0, True), ("r" * 10 + "." * 10, 0, False), ("r" * 11 + "." * 9, 0, True),
     ("r" * 11 + "." * 10, 0, False), ("r" * 20, 3590, False), ("r" * 20, 3000, True)],
)  # fmt: skip
def test_more_than_half_of_the_last_twenty_refused_is_a_sign(verdicts, ago_s, is_sign):
    tally = requests(verdicts, ago_s=ago_s)
    assert (RequestsTally.judge_refused([tally.shared(NOW_S)], NOW_S) is not None) is is_sign
    assert RequestsTally.judge_left([tally.shared(NOW_S)], NOW_S) is None


@pytest.mark.parametrize(
    ("verdicts", "ago_s", "is_sign"),
    [("l" * 20, 0, True), ("l" * 19, 0, False), ("l" * 20 + "." * 19, 0, True),
     ("l" * 20 + "." * 20, 0, False), ("l" * 20, 620, False)],
)  # fmt: skip
def test_twenty_left_of_more_than_half_in_ten_minutes_are_a_sign(verdicts, ago_s, is_sign):
    tally = requests(verdicts, ago_s=ago_s)
    assert (RequestsTally.judge_left([tally.shared(NOW_S)], NOW_S) is not None) is is_sign


def test_processes_are_judged_together():
    hostile, honest = requests("r" * 12), requests("." * 20)
    together = [hostile.shared(NOW_S), honest.shared(NOW_S)]
    assert RequestsTally.judge_refused(together[:1], NOW_S)
    assert RequestsTally.judge_refused(together, NOW_S) is None
    left = [requests("l" * 10).shared(NOW_S), requests("l" * 10).shared(NOW_S)]
    assert RequestsTally.judge_left(left, NOW_S) == {"left": 20, "requests": 20}


def test_only_what_may_become_a_sign_is_doubtful():
    assert not requests("." * 20).is_doubtful
    assert not requests("l").is_doubtful
    assert requests("ll").is_doubtful
    assert requests("r").is_doubtful


def test_of_too_many_subjects_the_longest_untouched_is_forgotten():
    subjects = Subjects(RefusedTally, 2)
    for name in ("a", "b", "a", "c"):
        subjects.touched(name)
    assert list(subjects) == ["a", "c"]


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.9", "203.0.113.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"),
     ("::ffff:198.51.100.7", "198.51.100.0/24"), ("127.0.0.1", ""), ("10.1.2.3", ""),
     ("172.31.0.1", ""), ("172.32.0.1", "172.32.0.0/24"), ("192.168.1.1", ""), ("::1", ""),
     ("fd00::1", ""), ("100.64.0.1", "100.64.0.0/24"), ("none", "")],
)  # fmt: skip
def test_a_network_is_a_24_or_a_48_and_ours_are_none(address, network):
    known = client_address(address, {})
    assert network_of(known) == network
    assert sender_of(known) == (network or (str(known) if known else "unknown"))
