"""The geometry of charts: whole numbers that fill the height, a bar for each column, words for each."""

import pytest

from web.cabinet.bar_chart import BAR, HEIGHT, Column, bar_chart


def drawn(*values: tuple[int, ...], series: tuple[str, ...] = ("one", "two")):
    columns = [Column(f"day {n}", f"d{n}", f"/{n}", each) for n, each in enumerate(values, start=1)]
    return bar_chart(columns, series, str)


def test_one_column_is_one_bar_that_can_be_seen():
    chart = drawn((3, 1))
    [bar] = chart.bars
    assert (bar.title, bar.address) == ("day 1\none: 3\ntwo: 1\nΣ 4", "/1")
    assert [(part.series, part.y, part.height) for part in bar.segments] == [
        (1, HEIGHT // 4, HEIGHT * 3 // 4),
        (2, 0, HEIGHT // 4),
    ]
    assert chart.width > 4 * BAR
    assert chart.marks == ["d1"]


@pytest.mark.parametrize(
    ("greatest", "ticks"),
    [
        (0, ["1", "0"]),
        (1, ["1", "0"]),
        (4, ["4", "3", "2", "1", "0"]),
        (5, ["6", "4", "2", "0"]),
        (86_830, ["100000", "50000", "0"]),
        (10**18, [*(f"{n}{'0' * 17}" for n in (10, 5)), "0"]),
    ],
)
def test_the_ticks_are_round_and_reach_above_the_greatest(greatest: int, ticks: list[str]):
    assert list(drawn((greatest, 0)).ticks) == ticks


def test_no_bar_is_higher_than_the_chart_and_its_parts_meet():
    chart = drawn(*((n * 7, n * n) for n in range(40)))
    for bar in chart.bars:
        edge = HEIGHT
        for part in bar.segments:
            assert part.y + part.height == edge
            edge = part.y
        assert edge >= 0
    assert chart.marks == ["d1", "d21", "d40"]


def test_the_legend_has_the_sum_of_each_series():
    assert drawn((3, 1), (2, 0)).legend == [(1, "one", "5"), (2, "two", "1")]
    assert drawn((3, 0)).bars[0].title == "day 1\none: 3"
