"""Forks are made part after part: the rows of few symbols are in memory at once, and no fork knows where it was cut."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.panel import Panel
from tvquant.lake import Lake, forks
from tvquant.lake.forks import UNCHANGED, Forks
from tvquant.lake.perturbations import EDITS, FACTS

DAYS = 40
MOMENT = np.datetime64("2021-01-21T00:00:00", "us")
"""The close of the twentieth bar."""
NAMES = ("BINANCE:ADAUSDT", "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BYBIT:BTCUSDT.P", "BYBIT:ETHUSDT.P")
LATE = "BINANCE:SOLUSDT"


@pytest.fixture(scope="module")
def coins(delivery: Any, bars: Any, tmp_path_factory: pytest.TempPathFactory) -> Forks:
    """Forks of six coins; one is listed after the moment."""
    folder = tmp_path_factory.mktemp("coins")
    lake = Lake(folder / "lakehouse")
    deliver = delivery(lake, folder)
    draw = np.random.default_rng(1)
    moves = [(0.02 * draw.standard_normal(DAYS)).cumsum() for _ in NAMES]
    closes = [[float(value) for value in 100.0 * np.exp(one)] for one in moves]
    deliver(*(bars(name, one) for name, one in zip(NAMES, closes, strict=True)))
    deliver(bars(LATE, closes[0][:10], start="2021-01-25"))
    stamps = [f"2021-01-{day:02d}T08:00:00Z" for day in range(1, 32)]
    deliver({"symbol": [NAMES[3]] * 31, "timestamp": stamps, "funding_rate": [1e-4] * 31})
    snapshot = lake.pin(lake.symbols())
    return Forks(lake=lake, snapshot=snapshot, panel=lake.panel(snapshot), folder=folder)


@pytest.fixture
def made(coins: Forks, monkeypatch: pytest.MonkeyPatch) -> Forks:
    """They again, two symbols at a time and nothing made yet."""
    monkeypatch.setattr(forks, "PART", 2)
    return replace(coins)


@pytest.fixture(scope="module")
def found(coins: Forks) -> dict[str, Panel | None]:
    """Every fork of the moment, two symbols at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forks, "PART", 2)
        return dict(replace(coins).at(MOMENT))


def same(one: Panel, other: Panel) -> bool:
    return one.digest() == other.digest()


def test_every_fork_has_the_past_of_the_panel_and_another_future(made: Forks, found: dict[str, Panel | None]) -> None:
    assert list(found) == [UNCHANGED, *EDITS, FACTS]
    assert found[UNCHANGED] is made.panel
    assert {name for name, panel in found.items() if panel is None} == {"actions scrambled"}
    for name, panel in found.items():
        if panel is not None and name != UNCHANGED:
            assert same(panel.until(MOMENT), made.panel.until(MOMENT)), name
            assert not same(panel, made.panel) or panel.instruments != made.panel.instruments, name
    assert not list(made.folder.glob("tmp*")), "lakes of forks are gone"


def test_parts_without_a_change_go_into_the_fork_as_they_are(made: Forks, found: dict[str, Panel | None]) -> None:
    """Only the part of the late listing has one to remove; only swaps have funding."""
    removed = found["listings removed"]
    assert removed is not None
    assert set(removed.keys) == set(NAMES)
    columns = [removed.keys.index(name) for name in NAMES], [made.panel.keys.index(name) for name in NAMES]
    close = removed.fields["close"], made.panel.fields["close"]
    np.testing.assert_array_equal(close[0][:, columns[0]], close[1][:, columns[1]])


def test_newcomers_of_two_parts_are_not_one(found: dict[str, Panel | None]) -> None:
    added = found["listings added"]
    assert added is not None
    new = [key for key in added.keys if "ZZLEAK" in key]
    assert sorted(key.partition(":")[0] for key in new) == ["BINANCE"] * 6 + ["BYBIT"] * 3


def test_a_fork_of_a_moment_is_the_same_each_time(made: Forks, found: dict[str, Panel | None]) -> None:
    again = dict(made.at(MOMENT))
    for name, panel in found.items():
        other = again[name]
        assert (panel is None and other is None) or (panel is not None and other is not None and same(panel, other))


def test_no_more_than_a_part_is_read_edited_and_imported_at_once(made: Forks, monkeypatch: pytest.MonkeyPatch) -> None:
    most: list[int] = []
    imported = forks.import_files

    def counted(lake: Lake, files: list[Path], **more: Any) -> Any:
        done = imported(lake, files, **more)
        most.append(done.symbols)
        return done

    monkeypatch.setattr(forks, "import_files", counted)
    assert made.unchanged is made.panel
    assert (max(most), sum(most)) == (2, 7)


def test_a_rebuilding_that_changes_the_content_is_shown_as_it_is(made: Forks, monkeypatch: pytest.MonkeyPatch) -> None:
    read = forks.pinned

    def other(lake: Lake, snapshot: Any, symbols: Any = None) -> Any:
        rows = read(lake, snapshot, symbols)
        return type(rows)(**{name: getattr(rows, name) for name in rows.__slots__} | {"bars": rows.bars[1:]})

    monkeypatch.setattr(forks, "pinned", other)
    assert not same(made.unchanged, made.panel)
