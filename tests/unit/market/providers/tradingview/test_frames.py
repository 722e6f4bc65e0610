"""Frames: whole, joined, torn anywhere, with letters of which JavaScript counts two."""

import random

import pytest

from builders.chart_server import frame
from tvquant.market.providers.contract import Malformed
from tvquant.market.providers.tradingview.frames import LARGEST, Frames, framed

PAYLOADS = ["~h~1", '{"d":"\N{ROCKET}\N{CJK UNIFIED IDEOGRAPH-5E01}"}', "", "\N{ROCKET}" * 50, '{"d":"~m~3~m~abc"}']


def test_a_frame_counts_utf16_units() -> None:
    assert framed("~h~1") == "~m~4~m~~h~1"
    assert framed("a\N{ROCKET}") == "~m~3~m~a\N{ROCKET}"
    assert [framed(one) for one in PAYLOADS] == [frame(one) for one in PAYLOADS]


def test_payloads_come_whole_however_the_stream_is_cut() -> None:
    stream, dice = "".join(map(frame, PAYLOADS)) * 3, random.Random(5)
    for _ in range(200):
        cuts = sorted(dice.sample(range(len(stream)), dice.randrange(12)))
        frames, found = Frames(), []
        for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            found += frames.fed(stream[first:last])
        assert found == PAYLOADS * 3
    letters = Frames()
    assert [payload for letter in stream for payload in letters.fed(letter)] == PAYLOADS * 3


@pytest.mark.parametrize(
    "text",
    ["<html>", "~m~x~m~", "~m~-1~m~", "~m~~m~a", "~m~123456789~m~", "~m~1~h~", "~M~", "~m~\N{DIGIT TWO FULL STOP}",
     f"~m~{LARGEST + 1}~m~", "~m~1~m~\N{ROCKET}", "~m~4~m~~h~1x"],
)  # fmt: skip
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="TradingView's chart"):
        Frames().fed(text)


def test_the_largest_frame_is_awaited() -> None:
    assert Frames().fed(f"~m~{LARGEST}~m~abc") == []
