"""Books worked out by hand, which every simulator plays alike, or refuses by the name of what it does not do.

A new case is one `hand_book`: prices, weights, rules, and the equity (units, cash) that they come to, with the sum in a
comment. Nothing here is copied from what a simulator said.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from builders.hand_books import FREE, HOUSE, HandBook, hand_book
from builders.simulators import played, players
from tvquant.core.books import Convention, CostModel, FeeTier, Rebalancing, Spread
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.simulation import SIMULATORS, refusals_of
from tvquant.simulation.simulators.contract import Capability

NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
NAN = np.nan
SIX = 6e-4  # the house cost: 5 bps of slippage and 1 of commission


def conventions() -> Iterator[HandBook]:
    """Half of the equity in A at every convention and lag: .005 units, .5 of it at the decision's mark of 100."""
    for convention, lag, price, equity in (
        (SAME_CLOSE, 0, 100, [0.9997, 1.0497, 1.1047]),  # cost .0003, then +10 and +11 on .005 units
        (SAME_CLOSE, 1, 110, [0.99967, 1.05467]),  # cost .00033
        (SAME_CLOSE, 2, 121, [0.999637]),  # cost .000363
        (NEXT_CLOSE, 0, 110, [0.99967, 1.05467]),
        (NEXT_CLOSE, 1, 121, [0.999637]),
        (NEXT_OPEN, 0, 105, [1.024685, 1.079685]),  # 105 to 110 is earned on the fill's row: .025 less .000315
        (NEXT_OPEN, 1, 115, [1.029655]),  # 115 to 121: .03 less .000345
    ):
        yield hand_book(
            f"half in A at {convention}, lag {lag}",
            {"A": [100, 110, 121]}, {0: {"A": 0.5}}, equity,
            open={"A": [99, 105, 115]}, costs=HOUSE, rules={"convention": convention, "lag": lag},
            quantities={"A": [0.005] * len(equity)}, cash=[1.0 - 0.005 * price * (1.0 + SIX)] * len(equity),
        )  # fmt: skip


def sides() -> Iterator[HandBook]:
    """Longs and shorts that drift with what is held."""
    yield hand_book(
        "three days long and short",
        {"A": [100, 110, 99], "B": [50, 55, 44]}, {0: {"A": 0.5, "B": -0.5}},
        [0.9994, 0.9994, 1.0544],  # +.05 -.05; then .495 - .44
        costs=HOUSE, quantities={"A": [0.005] * 3, "B": [-0.01] * 3}, cash=[0.9994] * 3,
    )  # fmt: skip
    yield hand_book(
        "all short, and short on the second day too",
        {"A": [100, 110, 105], "B": [20, 18, 21]}, {0: {"A": -0.5, "B": -0.5}},
        [1.0, 1.0, 0.95],  # 2 - .55 - .45; 2 - .525 - .525
        quantities={"A": [-0.005] * 3, "B": [-0.025] * 3}, cash=[2.0] * 3,
    )  # fmt: skip
    yield hand_book(
        "dollar neutral, brought back after a day",
        {"A": [100, 120, 90], "B": [50, 40, 60]}, {0: {"A": 0.5, "B": -0.5}, 1: {"A": 0.5, "B": -0.5}},
        [1.0, 1.2, 0.75],  # 1 + .1 + .1; .5 x 1.2 is .005 of A and .015 of B; 1.2 + .45 - .9
        quantities={"A": [0.005] * 3, "B": [-0.01, -0.015, -0.015]}, cash=[1.0, 1.2, 1.2],
    )  # fmt: skip
    # Decided at the close of row 1 on an equity of .99967 + .005 x (121 - 110): A is left for a short of B at 22.
    at_mark = 0.99967 + 0.055
    sold = 0.4 * at_mark / 20
    after = 1.0 - 0.55 * (1 + SIX) + 0.005 * 130 * (1 - SIX) + sold * 22 * (1 - SIX)
    yield hand_book(
        "a name is left for a short of another, the names of the plan at the fill's own price",
        {"A": [100, 110, 121, 130, 140], "B": [20, 20, 20, 22, 11]}, {0: {"A": 0.5}, 2: {"B": -0.4}},
        [0.99967, at_mark, after - sold * 22, after - sold * 11],
        costs=HOUSE, rules={"convention": NEXT_CLOSE},
        quantities={"A": [0.005, 0.005, 0.0, 0.0], "B": [0.0, 0.0, -sold, -sold]},
    )  # fmt: skip


def ruins() -> Iterator[HandBook]:
    """What an account has to do of itself: stop at nothing, close a short whose collateral is gone."""
    yield hand_book(
        "bought in whole: the cost is borrowed",
        {"A": [100, 110, 121]}, {0: {"A": 1.0}}, [0.9994, 1.0994, 1.2094],
        costs=HOUSE, cash=[-SIX] * 3, quantities={"A": [0.01] * 3}, meets=[Capability.LEVERAGE],
    )  # fmt: skip
    yield hand_book(
        "twice the equity in what falls by three fifths",
        {"A": [100, 100, 40, 50]}, {0: {"A": 2.0}}, [1.0, 1.0, 0.0, 0.0],
        meets=[Capability.RUIN], quantities={"A": [0.02, 0.02, 0.0, 0.0]},
    )  # fmt: skip
    yield hand_book(
        "all of it short in what more than doubles, and later orders are void",
        {"A": [100, 90, 220, 50, 60]}, {0: {"A": -1.0}, 3: {"A": 1.0}}, [1.0, 1.1, 0.0, 0.0, 0.0],
        meets=[Capability.RUIN, Capability.SHORT_COLLATERAL],
    )  # fmt: skip
    # Decided at 100, sold at 102: .408 is posted, and 204 takes it, at no cost. Sold anew at 150: 290 stands, 301 is
    # closed at 300.
    lost = 1.0 - 0.408 - 0.408 * SIX
    units = 0.4 * lost / 150
    anew = lost - units * 150 * SIX
    yield hand_book(
        "a squeeze at twice the price",
        {"A": [100, 408, 150, 290, 301, 250]}, {0: {"A": -0.4}, 2: {"A": -0.4}},
        [lost, lost, anew - units * 140, anew - units * 150, anew - units * 150],
        open={"A": [99, 102, 400, 150, 290, 300]}, costs=HOUSE, rules={"convention": NEXT_OPEN},
        quantities={"A": [0.0, 0.0, -units, 0.0, 0.0]}, meets=[Capability.SHORT_COLLATERAL],
    )  # fmt: skip


def fundings() -> Iterator[HandBook]:
    """Swaps at an unmoved 100, bought or sold whole at the open of row 1: all that happens is funding."""
    bare = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=1.0)
    eight = ([9e-4, 2.5e-4, 0.0], [8, 24, 24])  # +1, +2, -.5 bp at hours 32, 40, 48; that of hour 24 is in row 0
    four = ([0.0, 6 * 0.5e-4, 6 * -0.25e-4], [24, 24, 24])  # six payments a day
    one = ([0.0, 24 * 0.1e-4, 24 * 0.2e-4], [24, 24, 24])
    holes = ([0.0, 1e-4, NAN, 2e-4], [24, 8, NAN, 8])  # payments at hours 32 and 80: (32, 72] is bare, and so on
    for weight in (1.0, -1.0):
        for told, (rates, hours), costs, bill in (
            ("every eight hours", eight, FREE, [weight * 2.5e-4, 0.0]),
            ("every four hours", four, FREE, [weight * 3e-4, weight * -1.5e-4]),
            ("every hour", one, FREE, [weight * 2.4e-4, weight * 4.8e-4]),
            ("with bare hours", holes, bare, [weight * 1e-4 + 2e-4, 3e-4, weight * 2e-4 + 2e-4]),
        ):
            closes = [100.0] * len(rates)
            yield hand_book(
                f"funding {told}, {'long' if weight > 0 else 'short'}",
                {"A": closes}, {0: {"A": weight}}, list(1.0 - np.cumsum(bill)),
                kind=Kind.SWAP, open={"A": closes}, funding={"A": rates}, funding_hours={"A": hours},
                costs=costs, rules={"convention": NEXT_OPEN},
            )  # fmt: skip


def actions() -> Iterator[HandBook]:
    """Splits and dividends of what is held."""
    yield hand_book(
        "a split of two for one",
        {"A": [100, 52, 60]}, {0: {"A": 0.5}}, [1.0, 1.02, 1.1],  # .01 units: .5 + .52, .5 + .6
        split={"A": [1, 2, 1]}, quantities={"A": [0.005, 0.01, 0.01]},
    )  # fmt: skip
    yield hand_book(
        "a split between decision and fill: twice the units at half the price",
        {"A": [100, 51, 60]}, {0: {"A": 0.5}}, [1.0, 1.09],  # .01 units at 51, then +9
        split={"A": [1, 2, 1]}, rules={"convention": NEXT_CLOSE}, quantities={"A": [0.01, 0.01]},
    )  # fmt: skip
    yield hand_book(
        "a split of what is short: its collateral is lost at half the price per unit",
        # .2 is posted for .002 units at 100; of .004 it is lost at 100: 99 stands, and 101 is closed at 100
        {"A": [100, 60, 99, 101, 90]}, {0: {"A": -0.2}}, [1.0, 0.96, 0.804, 0.8, 0.8],
        split={"A": [1, 2, 1, 1, 1]}, quantities={"A": [-0.002, -0.004, -0.004, 0.0, 0.0]},
        cash=[1.2, 1.2, 1.2, 0.8, 0.8], meets=[Capability.SHORT_COLLATERAL],
    )  # fmt: skip
    yield hand_book(
        "dividends, received on what is long and paid on what is short",
        {"A": [100, 99, 99], "B": [50, 49, 49]}, {0: {"A": 0.5, "B": -0.25}},
        # A: -.005 + .005 x 2; B: +.005 - .005 x 1.5
        [1.0, 1.0 + 0.005 - 0.0025, 1.0025],
        dividend={"A": [0, 2, 0], "B": [0, 1.5, 0]}, cash=[0.75, 0.7525, 0.7525],
    )  # fmt: skip


def halts() -> Iterator[HandBook]:
    """What cannot be traded any more is closed three tenths to the bad side; a bar that is missing once is not."""
    yield hand_book(
        "a gap of one bar: the mark stands, the order of that row lapses",
        {"A": [100, NAN, 104, 106], "B": [10, 10, 10, 10]}, {0: {"A": 0.5}, 1: {"A": 0.25, "B": 0.25}},
        [1.0, 1.0, 1.02, 1.03],  # .005 units of A all along
        quantities={"A": [0.005] * 4, "B": [0.0, 0.025, 0.025, 0.025]},
    )  # fmt: skip
    yield hand_book(
        "halted: closed on the sixth row without a bar",
        {"A": [100, 110, *[NAN] * 7], "B": [10] * 9}, {0: {"A": 0.5}},
        [0.9997, *[1.0497] * 6, *[0.4997 + 0.385 * (1 - SIX)] * 2],  # at 77
        costs=HOUSE, quantities={"A": [0.005] * 7 + [0.0] * 2},
    )  # fmt: skip
    yield hand_book(
        "delisted: a short is bought back at 1.3 of the last price",
        {"A": [100, 90, NAN], "B": [10] * 3}, {0: {"A": -0.5}},
        [0.9997, 1.0497, 1.4997 - 0.585 * (1 + SIX)],  # at 117
        delisted={"A": 2}, costs=HOUSE, quantities={"A": [-0.005, -0.005, 0.0]},
    )  # fmt: skip
    yield hand_book(
        "delisted: a short loses its collateral and no more",
        {"A": [100, 180, NAN], "B": [10] * 3}, {0: {"A": -0.5}},
        [0.9997, 0.5997, 1.4997 - 1.0 * (1 + SIX)],  # at 200, where 1.3 of the last price is 234
        delisted={"A": 2}, costs=HOUSE, quantities={"A": [-0.005, -0.005, 0.0]}, meets=[Capability.SHORT_COLLATERAL],
    )  # fmt: skip


def accruals() -> Iterator[HandBook]:
    """Fees by the calendar day."""
    daily = 0.0365 / 365  # a bp a day
    yield hand_book(
        "a share sold short is borrowed",
        {"A": [50, 60, 55]}, {0: {"A": -0.5}},
        [1.0, 0.9 - 0.5 * daily, 0.95 - 1.1 * daily],  # on .5, then on .6
        costs=CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0365, assumed_funding_bps=0.0),
    )  # fmt: skip


def interest() -> Iterator[HandBook]:
    """What idle cash earns, what each name's loan costs, and the mark at which a lender ends it. A bp a day."""
    daily = 0.0365 / 365
    earning = replace(FREE, cash_yield=0.0365)
    yield hand_book(
        "nothing is held: cash earns on itself",
        {"A": [100, 50, 200]}, {0: {}}, [1.0, 1.0 + daily, (1.0 + daily) ** 2], costs=earning,
    )  # fmt: skip
    first = 1.05 + 0.5 * daily  # on 1 - .5: what B was sold for earns nothing
    yield hand_book(
        "half long and a quarter short: the other half earns",
        {"A": [100, 110, 121], "B": [50, 50, 40]}, {0: {"A": 0.5, "B": -0.25}},
        [1.0, first, first + 0.055 + 0.05 + (first - 0.55) * daily], costs=earning,
    )  # fmt: skip
    yield hand_book(
        "a loan of one name is dearer than that of the other",
        {"A": [50, 60, 55], "B": [10, 10, 10]}, {0: {"A": -0.5, "B": -0.25}},
        [1.0, 0.9 - 5.25 * daily, 0.95 - (5.25 + 6.25) * daily],  # ten bps of .5, of .6, and one of .25
        costs=replace(FREE, borrow_rate=0.0365, borrow_rates=(("X:A", 0.365),)),
    )  # fmt: skip
    entry = 2.0 * SIX
    left = 0.4 - entry - 1.4 * SIX
    yield hand_book(
        "below three tenths of gross all is closed, and nothing opens before another decision",
        # equity over gross: 1 / 2, .6 / 1.6, .5 / 1.5, .4 / 1.4
        {"A": [100, 80, 75, 70, 60, 120, 132]}, {0: {"A": 2.0}, 5: {"A": 1.0}},
        [1.0 - entry, 0.6 - entry, 0.5 - entry, left, left, left * (1.0 - SIX), left * (1.1 - SIX)],
        costs=HOUSE, rules={"maintenance_margin": 0.3},
        quantities={"A": [0.02, 0.02, 0.02, 0.0, 0.0, left / 120, left / 120]},
    )  # fmt: skip


def measured() -> Iterator[HandBook]:
    """Rates of a fill that are its own, for an account of 1,000."""
    tiers = (FeeTier(traded=0.0, maker_bps=0.0, taker_bps=10.0), FeeTier(traded=600.0, maker_bps=-2.0, taker_bps=4.0))
    yield hand_book(
        "seven tenths are bought at ten bps, and sold at four: 700 traded are above 600",
        {"A": [100, 100]}, {0: {"A": 0.7}, 1: {}}, [1.0 - 0.7 * 10e-4, 1.0 - 0.7 * 14e-4],
        costs=replace(FREE, tiers=tiers), rules={"nav": 1000.0},
    )  # fmt: skip
    yield hand_book(
        "half of it by makers, whose fee of the second tier is a rebate",
        {"A": [100, 100]}, {0: {"A": 0.7}, 1: {}}, [1.0 - 0.7 * 5e-4, 1.0 - 0.7 * 6e-4],
        costs=replace(FREE, tiers=tiers, maker_share=0.5), rules={"nav": 1000.0},
    )  # fmt: skip
    # 1,000 a day are traded, and half of that is bought: sigma of +.1 and -1/11 is 21 / 110 / sqrt 2.
    moved = 21 / 110 / 2**0.5 * 0.5**0.5 * 0.5
    yield hand_book(
        "impact by the square root of the share of a day's value",
        {"A": [10, 11, 10, 11]}, {2: {"A": 0.5}}, [1.0 - moved, 1.05 - moved],
        volume={"A": [100, 1000 / 11, 100, 1000 / 11]}, costs=replace(FREE, impact=1.0), rules={"nav": 1000.0},
    )  # fmt: skip
    # Days of 98 to 102 that close at 101: the two-day spread of Abdi and Ranaldo is 2 (ln 101 - ln (98 x 102) / 2), and
    # half of it is lost.
    half = math.log(101.0) - 0.5 * math.log(98.0 * 102.0)
    yield hand_book(
        "half a spread, measured of highs and lows, in the place of slippage",
        {"A": [101, 101, 101, 101]}, {2: {"A": 0.5}}, [1.0 - 0.5 * half] * 2,
        high={"A": [102] * 4}, low={"A": [98] * 4}, costs=replace(FREE, slippage_bps=50.0, spread=Spread.ABDI_RANALDO),
    )  # fmt: skip


def rebalancing() -> Iterator[HandBook]:
    """Weights restored daily, the buffer, and what rules leave of an order."""
    yield hand_book(
        "half in A, restored at every close, with a buffer of a fifth",
        {"A": [100, 110, 99]}, {0: {"A": 0.625}},
        [1.0, 1.05, 0.9975],  # .5 of 1 at 100; .525 at 110, that is .4725 at 99, beside .525 of cash
        rules={"rebalancing": Rebalancing.DAILY, "buffer": 0.2},
        quantities={"A": [0.005, 0.525 / 110, 0.49875 / 99]}, cash=[0.5, 0.525, 0.49875],
    )  # fmt: skip
    yield hand_book(
        "restored at every open by the close before it",
        {"A": [100, 110, 121, 121]}, {0: {"A": 0.5}, 2: {"A": 0.25}},
        # .005 at 100; at the close of row 1 half of 1.05 is .525 / 110, bought at 110; then a quarter of 1.1025 at 121
        [1.05, 1.05 + 0.525 / 110 * 11, 1.1025],
        open={"A": [99, 100, 110, 121]}, rules={"convention": NEXT_OPEN, "rebalancing": Rebalancing.DAILY},
        quantities={"A": [0.005, 0.525 / 110, 0.25 * 1.1025 / 121]},
    )  # fmt: skip
    yield hand_book(
        "within the band nothing is done, at its end neither, beyond it all of the way",
        {"A": [1, 3, 3], "B": [1, 1, 0.5], "C": [1, 1, 1]},
        {0: {"A": 0.25, "B": 0.25}, 1: {"A": 0.375, "B": 0.25, "C": 0.125}, 2: {"A": 0.25}},
        # 1.5 after row 0: A is .5 of it and B .1667; A is an eighth from its target, B a twelfth, C is new: .1875 of it
        # 1.375 at row 2: A is .5455 and goes to .25; B and C are left
        [1.0, 1.5, 1.375],
        rules={"band": 0.125},
        quantities={"A": [0.25, 0.25, 0.25 * 1.375 / 3], "B": [0.25, 0.25, 0.0], "C": [0.0, 0.1875, 0.0]},
        cash=[0.5, 0.3125, 0.75 * 1.375],
    )  # fmt: skip
    yield hand_book(
        "half of the way, and out at once",
        {"A": [1, 2, 2, 2]}, {0: {"A": 0.5}, 1: {"A": -0.5}, 2: {}},
        [1.0, 1.25, 1.25, 1.25],  # .25; from .25 half of the way to -.5 x 1.25 / 2 is -.03125; none
        rules={"partial": 0.5}, quantities={"A": [0.25, -0.03125, 0.0, 0.0]},
    )  # fmt: skip
    yield hand_book(
        "whole lots of four units, of an account of a thousand",
        {"A": [3, 6, 6], "B": [10, 10, 10]}, {0: {"A": 0.5, "B": -0.5}, 1: {"A": 0.25, "B": -0.5}},
        # 166.7 units of A are 164 and 50 short of B are 48; 1492 then: 62.2 of A are 60 and 74.6 of B are 72
        [1.0, 1.492, 1.492],
        lots={"A": 4.0, "B": 4.0}, rules={"lots": True, "nav": 1000.0},
        quantities={"A": [0.164, 0.06, 0.06], "B": [-0.048, -0.072, -0.072]},
        cash=[1.0 - 0.492 + 0.48, 1.492 - 0.36 + 0.72, 1.852],
    )  # fmt: skip
    yield hand_book(
        "a tenth of what was traded, day by day",
        {"A": [2, 2, 2, 2]}, {0: {"A": 0.5}, 1: {"A": 0.5}, 2: {}},
        [1.0] * 4,  # a tenth of 2 x 500 is .1 of 1000; of 2 x (500 + 1500) / 2 .2; of 2 x 2000 / 3 .1333, of .3 to sell
        volume={"A": [500, 1500, 0, 0]}, rules={"participation": 0.1, "nav": 1000.0},
        quantities={"A": [0.05, 0.15, 0.15 - 0.4 / 6, 0.15 - 0.4 / 6]},
    )  # fmt: skip
    yield hand_book(
        "a name that never had an open is filled at the close",
        {"A": [100, 100, 110], "B": [50, 60, 60]}, {0: {"A": 0.5, "B": 0.25}, 1: {"B": 0.25}},
        # A: .005 at 80; B: .005 at 60, not at 50; then A out at 100 and B a quarter of 1.1 at its close of 60 again
        [1.1, 1.1],
        open={"A": [100, 80, 100], "B": [NAN] * 3}, rules={"convention": NEXT_OPEN},
        quantities={"A": [0.005, 0.0], "B": [0.005, 0.275 / 60]}, cash=[0.3, 0.825],
    )  # fmt: skip


BOOKS = [*conventions(), *sides(), *ruins(), *fundings(), *actions(), *halts(), *accruals(), *interest(), *measured(),
         *rebalancing()]  # fmt: skip


@pytest.mark.requirement("R-SIM-10")
@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
@pytest.mark.parametrize("name", players())
def test_a_book_by_hand_is_played_alike_or_refused(name: str, book: HandBook) -> None:
    refused = sorted(book.asks() & refusals_of(SIMULATORS[name]))
    if refused:
        with pytest.raises((ProfileError, ModelError), match=f"{name} refuses ({'|'.join(refused)})"):
            played(name, book.panel, book.path, book.costs, book.execution)
        return
    result = played(name, book.panel, book.path, book.costs, book.execution)
    close = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(result.equity, book.equity, err_msg="equity", **close)
    for one, units in book.quantities.items():
        held = result.quantities[:, book.panel.keys.index(f"X:{one}")]
        np.testing.assert_allclose(held, units, err_msg=f"units of {one}", **close)
    if book.cash is not None:
        np.testing.assert_allclose(result.cash, book.cash, err_msg="cash", **close)


def test_the_books_have_names_of_their_own_and_ask_for_most_there_is() -> None:
    assert len({book.name for book in BOOKS}) == len(BOOKS)
    asked = frozenset[Capability]().union(*(book.asks() for book in BOOKS))
    assert asked >= {*map(Capability, Convention), Capability.LAG, Capability.BORROW, Capability.FUNDING,
                     Capability.ACTIONS, Capability.HALTS, Capability.LEVERAGE, Capability.SHORT_COLLATERAL,
                     Capability.RUIN, Capability.CASH_YIELD, Capability.MAINTENANCE_MARGIN, Capability.FEE_TIERS,
                     Capability.IMPACT, Capability.SPREAD, Capability.DAILY, Capability.BAND, Capability.PARTIAL,
                     Capability.LOTS, Capability.PARTICIPATION}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("vectorbt", (conventions, sides)),
        ("cvxportfolio", (conventions, sides, fundings, accruals)),
        ("nautilus", (conventions, sides, ruins, fundings, actions, halts, accruals, interest)),
    ],
)
def test_a_library_plays_at_least_what_it_has_and_the_house_all(
    name: str, groups: tuple[Callable[[], Iterator[HandBook]], ...]
) -> None:
    """Who refused all of them would pass every test above."""
    for book in BOOKS:
        assert not book.asks() & refusals_of(SIMULATORS["custom"]), book.name
    for book in (book for group in groups for book in group()):
        assert not book.asks() & refusals_of(SIMULATORS[name]), book.name
