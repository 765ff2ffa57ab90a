"""Names of tools, there and back."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers._shared.tool_names import ToolNames

FITTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@pytest.mark.parametrize("name", ["weather", "_a1", "A" * 64])
def test_a_name_that_fits_stays_as_it_is(name: str):
    assert ToolNames([name]).to_wire(name) == name


@pytest.mark.parametrize(
    ("name", "wire"),
    [("get-price", "get_price"), ("mcp.files read", "mcp_files_read"), ("2nd", "_2nd"), ("", "_")],
)
def test_a_name_that_does_not_fit_is_written_as_alike_as_can_be(name: str, wire: str):
    names = ToolNames([name])
    assert (names.to_wire(name), names.from_wire(wire)) == (wire, name)


def test_names_that_would_become_one_stay_apart():
    names = ToolNames(["a-b", "a.b", "a_b", "a b"])
    wires = {names.to_wire(name) for name in ("a-b", "a.b", "a_b", "a b")}
    assert len(wires) == 4
    assert names.to_wire("a_b") == "a_b"


def test_long_names_with_one_beginning_stay_apart_and_recognisable():
    first, second = "x" * 64 + "1", "x" * 64 + "2"
    names = ToolNames([first, second])
    assert names.to_wire(first) != names.to_wire(second)
    assert names.to_wire(first) == ToolNames([first]).to_wire(first)


def test_a_reserved_name_is_rewritten():
    names = ToolNames(["web_search"], reserved=frozenset({"web_search"}))
    wire = names.to_wire("web_search")
    assert wire != "web_search"
    assert names.from_wire(wire) == "web_search"


def test_a_name_the_provider_made_up_is_passed_on():
    assert ToolNames(["a"]).from_wire("browser") == "browser"


@given(st.lists(st.text(max_size=80), max_size=8))
def test_every_name_fits_and_comes_back(names: list[str]):
    both = ToolNames(names)
    assert all(FITTING.fullmatch(both.to_wire(name)) for name in names)
    assert [both.from_wire(both.to_wire(name)) for name in names] == names


@given(st.lists(st.text(string.ascii_letters + "._-", max_size=6), max_size=30))
def test_alike_names_never_collide(names: list[str]):
    both = ToolNames(names)
    assert len({both.to_wire(name) for name in names}) == len(set(names))
