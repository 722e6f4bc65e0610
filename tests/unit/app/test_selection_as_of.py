"""One decision as of a date: which bar it stands on, and what is said of each name."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from builders.profiles import resolved_of
from tvquant.app.explanation import Explained
from tvquant.app.selection_as_of import Selected, selected
from tvquant.core.errors import DataError, ProfileError
from tvquant.lake import Lake, import_files
from tvquant.tournament.cells import headline

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT", "LTC", "BCH", "TRX", "XLM", "BUSD")
FIRST, LAST = date(2024, 1, 1), date(2024, 7, 18)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Ten coins and a stablecoin on two hundred days; XLM ends on 1 June."""
    folder = tmp_path_factory.mktemp("selecting")
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 7, 18), "1d", time_zone="UTC", eager=True)
    frames = []
    for number, coin in enumerate(COINS):
        moves = np.random.default_rng([number, 2]).standard_normal(len(days)) * 0.01 * (1 + number % 4)
        close = 1.0 + moves / 100 if coin == "BUSD" else 100.0 * np.exp((0.001 + moves).cumsum())
        frame = pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": days, "close": close})
        frame = frame.with_columns(open="close", high="close", low="close", volume=pl.lit(1e6))
        frames.append(frame.filter(pl.col("timestamp") < pl.datetime(2024, 6, 1, time_zone="UTC"))
                      if coin == "XLM" else frame)  # fmt: skip
    pl.concat(frames).write_parquet(folder / "coins.parquet")
    made = Lake(folder / "lakehouse")
    import_files(made, [folder / "coins.parquet"], recorded_at=NOW)
    return made


@pytest.mark.parametrize(
    ("as_of", "bar"),
    [
        (None, LAST),
        (LAST, LAST),
        (date(2024, 5, 1), date(2024, 5, 1)),
        (date(2030, 1, 1), LAST),
        (FIRST, FIRST),
    ],
)
def test_it_decides_on_the_last_bar_of_the_date_or_before(as_of: date | None, bar: date, lake: Lake) -> None:
    found = selected(lake, resolved_of(), as_of, now=NOW)
    assert (found.footing.bar, found.asked) == (np.datetime64(bar, "us"), as_of)
    assert found.age == (NOW.date() - bar).days - 1
    assert found.decision.as_of == np.datetime64(bar, "us") + np.timedelta64(1, "D")
    assert found.cell == headline(resolved_of().profile) == "v4/custom/barbell/custom"


def test_before_the_first_bar_there_is_nothing_to_decide_on(lake: Lake) -> None:
    with pytest.raises(DataError, match="no bar on or before 2023-12-31; its first is of 2024-01-01"):
        selected(lake, resolved_of(), date(2023, 12, 31), now=NOW)


def test_what_closes_after_the_moment_of_asking_is_not_looked_at(lake: Lake) -> None:
    """As if it were noon of 2 May: the bar of that day has not closed, and those after it are the future's."""
    for as_of in (None, date(2024, 5, 2), LAST):
        found = selected(lake, resolved_of(), as_of, now=datetime(2024, 5, 2, 12, tzinfo=UTC))
        assert found.footing.bar == np.datetime64("2024-05-01", "us")
        assert found.age == 0.5
    with pytest.raises(DataError, match="no bar on or before 2023-12-31; its first is of 2024-01-01"):
        selected(lake, resolved_of(), None, now=datetime(2023, 12, 31, tzinfo=UTC))


def test_a_last_bar_of_one_name_sells_nothing(lake: Lake, tmp_path: Path) -> None:
    """A day that only BTC has yet: the book is that of the day before, and both bars are told."""
    ragged = Lake(tmp_path / "lakehouse")
    coins = tmp_path / "coins.parquet"
    panel = lake.panel(lake.pin([f"BINANCE:{coin}USDT" for coin in COINS]))
    frames = [
        pl.DataFrame({"symbol": i.symbol, "timestamp": panel.times, **{f: panel.fields[f][:, j] for f in FIELDS}})
        .filter(pl.col("close").is_not_nan())
        .filter((pl.col("timestamp").dt.date() < LAST) | (pl.col("symbol") == "BINANCE:BTCUSDT"))
        for j, i in enumerate(panel.instruments)
    ]
    pl.concat(frames).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC")).write_parquet(coins)
    import_files(ragged, [coins], recorded_at=NOW)
    found, before = (selected(ragged, resolved_of(), day, now=NOW) for day in (None, date(2024, 7, 17)))
    assert found.decision.weights == before.decision.weights != {}
    assert found.footing.bar == before.footing.bar == np.datetime64("2024-07-17", "us")
    assert (found.footing.asked, found.footing.quorum) == (np.datetime64(LAST, "us"), True)
    assert (found.footing.alive, found.footing.present) == (9, 1)
    assert (found.held, found.footing.missing) == ({}, ())


@pytest.mark.requirement("R-UNI-22")
def test_a_past_date_is_decided_as_if_the_rest_had_not_happened(lake: Lake, tmp_path: Path) -> None:
    """The same from a lake that ends that day; a name that dies later is chosen from like any other."""
    day = date(2024, 5, 20)
    rows = lake.panel(lake.pin([f"BINANCE:{coin}USDT" for coin in COINS]))
    frames = [
        pl.DataFrame({"symbol": i.symbol, "timestamp": rows.times, **{f: rows.fields[f][:, j] for f in FIELDS}})
        for j, i in enumerate(rows.instruments)
    ]
    stamped = pl.concat(frames).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    stamped.filter(pl.col("timestamp").dt.date() <= day).write_parquet(tmp_path / "past.parquet")
    past = Lake(tmp_path / "lakehouse")
    import_files(past, [tmp_path / "past.parquet"], recorded_at=NOW)
    then, now = (selected(one, resolved_of(), day, now=NOW).decision.payload() for one in (past, lake))
    assert then == now
    assert "BINANCE:XLMUSDT_hold_LONG" in now["selection"]["scores"]


FIELDS = ("open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def june(lake: Lake) -> Selected:
    return selected(lake, resolved_of(selection__min_winners=3, selection__max_winners=6), date(2024, 6, 30), now=NOW)


@pytest.fixture(scope="module")
def why(june: Selected) -> Explained:
    return june.explained()


def test_a_winner_is_explained_by_rank_components_and_weight(june: Selected, why: Explained) -> None:
    assert june.decision.response is not None
    best = june.decision.response.winners[0]
    (told,) = why.of(best.physical_symbol)["atoms"]
    assert told["atom"] == best.symbol
    assert told["score"] == june.decision.response.scores[best.symbol] == max(
        june.decision.response.scores[atom.symbol] for atom in june.decision.response.winners
    )  # fmt: skip
    assert told["won"] == june.decision.response.recruited[best.symbol]
    assert told["weight"] == june.decision.atoms.get(best.symbol, 0.0)
    assert set(told["components"]) >= {"momentum", "stability", "entropy", "efficiency", "hurst"}
    assert all(0.0 < p <= 1.0 for p in told["components"].values())
    assert why.of(best.symbol)["atoms"] == [told]


def test_ranks_count_every_score_of_the_pool(june: Selected, why: Explained) -> None:
    assert june.decision.response is not None
    told = [why.of(symbol)["atoms"][0] for symbol in june.decision.response.scores]
    assert sorted(one["rank"] for one in told) == list(range(1, 10))
    assert {one["of"] for one in told} == {9}
    by_rank = sorted(told, key=lambda one: one["rank"])
    assert [one["score"] for one in by_rank] == sorted((one["score"] for one in told), reverse=True)


def test_who_did_not_win_is_told_why(june: Selected, why: Explained) -> None:
    assert june.decision.response is not None
    lost = [s for s in june.decision.response.scores if s not in june.decision.response.recruited]
    assert lost
    for symbol in lost:
        (told,) = why.of(symbol)["atoms"]
        assert (told["won"], told["weight"]) == (None, 0.0)
        veto = june.decision.response.vetoes.get(symbol)
        assert told["veto"] == (None if veto is None else asdict(veto))
        assert veto is None or not veto.overridden


@pytest.mark.parametrize(("symbol", "reason"), [("BINANCE:BUSDUSDT", "kind:stablecoin"), ("BINANCE:XLMUSDT", "no_bar")])
def test_who_never_reached_selection_is_told_why(symbol: str, reason: str, why: Explained) -> None:
    assert why.of(symbol) == {"symbol": symbol, "excluded": reason}


@pytest.mark.parametrize("name", ["BINANCE:NOPEUSDT", "BINANCE:BTC", "btc", "", "*"])
def test_a_name_that_was_not_there_is_refused(name: str, why: Explained) -> None:
    with pytest.raises(ProfileError, match="was not in the universe on 2024-06-30"):
        why.of(name)


@pytest.mark.parametrize("name", ["btcusdt", "binance:BTCusdt", "BUSDUSDT"])
def test_a_ticker_without_its_exchange_or_in_another_case_is_told_the_symbol(name: str, why: Explained) -> None:
    ticker = name.upper().removeprefix("BINANCE:")
    with pytest.raises(ProfileError, match=rf"did you mean BINANCE:{ticker}\?$"):
        why.of(name)


def test_a_symbol_that_is_misspelt_is_told_the_nearest_and_where_to_look(why: Explained) -> None:
    with pytest.raises(ProfileError, match=r"did you mean BINANCE:BTCUSDT\?; `tvquant data ls BINANCE:BTCUSTD` says"):
        why.of("BINANCE:BTCUSTD")


def test_without_a_candidate_nobody_has_a_score(lake: Lake) -> None:
    found = selected(lake, resolved_of(), date(2024, 1, 31), now=NOW)
    assert found.decision.response is None
    assert found.decision.weights == {}
    assert found.explained().of("BINANCE:BTCUSDT") == {"symbol": "BINANCE:BTCUSDT", "excluded": "history"}


def test_another_model_takes_everyone(lake: Lake) -> None:
    found = selected(lake, resolved_of(selection__model="baseline"), LAST, now=NOW)
    assert found.cell == "baseline/custom/barbell/custom"
    (told,) = found.explained().of("BINANCE:BTCUSDT")["atoms"]
    assert (told["won"], told["rank"], told["of"], told["components"]) == ("passed_through", 1, 9, {})
