"""What is said of a device that lacks what a command needs, and lists that come in pages."""

from __future__ import annotations

from typing import Any

import pytest

from tapo_automate.errors import Busy, Garbled, Refused, Unsupported
from tapo_automate.wire.commands.feature import Feature, versions
from wire.commands.kept import Kept

FEATURE = Feature("glow", "glow", "ask another")


@pytest.mark.parametrize("code", [-1002, -1008])
@pytest.mark.parametrize(
    ("components", "said"),
    [
        ("", "it has no glow; ask another"),
        ("control_child", 'it has no glow as a whole; of a power strip name a socket, as in "strip/1"'),
    ],
)
def test_a_lack_is_told_in_words(code: int, components: str, said: str) -> None:
    with pytest.raises(Unsupported) as lacking:
        FEATURE.call(Kept(components, get_glow=code), "get_glow")
    assert lacking.value.problem == said
    assert isinstance(lacking.value.__cause__, Unsupported | Refused)


def test_a_strip_that_lists_what_its_sockets_have_is_told_so() -> None:
    with pytest.raises(Unsupported, match=r": it has no glow as a whole; of a power strip name a socket"):
        FEATURE.call(Kept("glow:2 control_child"), "get_glow")


def test_a_component_without_the_method_is_told_with_its_version() -> None:
    with pytest.raises(Unsupported, match=r": it has glow of version 3, without get_glow$"):
        FEATURE.call(Kept("glow:3"), "get_glow")


def test_other_refusals_are_passed_on() -> None:
    with pytest.raises(Refused, match="-1008"):
        FEATURE.call(Kept("glow", get_glow=-1008), "get_glow")
    with pytest.raises(Refused, match="-1001"):
        FEATURE.call(Kept(get_glow=-1001), "get_glow")
    with pytest.raises(Busy):
        FEATURE.call(Kept(get_glow=-1301), "get_glow")


def test_components_are_asked_only_after_a_refusal() -> None:
    it = Kept("glow", get_glow={"enable": True})
    assert FEATURE.ask(it, "get_glow").truth("enable")
    assert it.asked == ["get_glow"]
    assert versions(it) == {"glow": 1}


def page(start: int, *entries: int, most: int | None = 7) -> dict[str, Any]:
    return {"start_index": start, "list": list(entries), **({} if most is None else {"sum": most})}


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ({0: page(0, 1, 2, 3, 4), 4: page(4, 5, 6, 7)}, [1, 2, 3, 4, 5, 6, 7]),
        ({0: page(0, 1, 2, 3, 4), 4: page(4)}, [1, 2, 3, 4]),
        ({0: page(0, 1, 2, most=None)}, [1, 2]),
        ({0: page(0, most=0)}, []),
        ({0: {"other": 1}}, []),
    ],
    ids=["two pages", "a page that is empty too early", "without a sum", "nothing", "another shape"],
)
def test_pages_are_gathered(pages: dict[int, Any], found: list[int]) -> None:
    first, entries = FEATURE.pages(Kept("glow", get_glow=pages), "get_glow", "list")
    assert entries == found
    assert first.result == pages[0]


def test_another_page_than_the_one_asked_for_is_noticed() -> None:
    pages = {0: page(0, 1, 2, 3, 4), 4: page(0, 1, 2, 3, 4)}
    with pytest.raises(Garbled, match=r"get_glow shows another page than the one that was asked for$"):
        FEATURE.pages(Kept("glow", get_glow=pages), "get_glow", "list")


def test_a_device_that_takes_no_page_number_is_asked_without_one() -> None:
    class Plain(Kept):
        def call(self, method: str, params: Any = None) -> dict[str, Any]:
            self.answers["get_glow"] = -1008 if params else {"list": [1, 2]}
            return super().call(method, params)

    assert FEATURE.pages(Plain("glow"), "get_glow", "list")[1] == [1, 2]
