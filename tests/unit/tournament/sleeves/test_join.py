"""Sleeves joined: by hand, and by what must hold of any."""

import numpy as np
import pytest

from builders.sleeves import BEGINNING, sleeve
from tvquant.core.calendars import NEW_YORK
from tvquant.core.errors import ModelError
from tvquant.tournament.sleeves.join import joined, ruined

DAY = np.timedelta64(1, "D")


def grown(rows: int, seed: int) -> list[float]:
    returns = np.random.default_rng(seed).normal(0.0, 0.02, rows - 1)
    return [1.0, *np.cumprod(1.0 + returns).tolist()]


@pytest.mark.requirement("R-META-02")
def test_what_coins_earn_on_a_weekend_is_in_the_return_to_monday() -> None:
    """From Friday: coins at 1.00, 1.10 (Saturday), 1.21 (Sunday), 1.21 (Monday); shares at 1.00 and 1.02 (Monday)."""
    friday = BEGINNING + 4 * DAY
    coins = sleeve("coins", [1.0, 1.1, 1.21, 1.21], first=friday)
    shares = sleeve("shares", [1.0, 1.02], market=NEW_YORK, first=friday)
    found = joined([coins, shares])
    assert found.names == ("coins", "shares")
    assert found.times.tolist() == [friday.item(), (friday + 3 * DAY).item()]
    np.testing.assert_allclose(found.returns, [[0.21, 0.02]], rtol=1e-12)
    assert [(one.sleeve, one.rows, one.dropped, one.outside) for one in found.lost] == [
        ("coins", 4, 2, 0),
        ("shares", 2, 0, 0),
    ]
    assert (found.lost[0].share, found.sparsest.sleeve, found.sparsest.share) == (0.5, "shares", 0.0)


@pytest.mark.requirement("R-META-02")
def test_joined_returns_make_each_sleeves_own_growth_over_the_common_span() -> None:
    coins = sleeve("coins", grown(400, 1), first=BEGINNING - 40 * DAY)
    late = sleeve("late", grown(300, 2), first=BEGINNING + 5 * DAY)  # from a Saturday on
    shares = sleeve("shares", grown(240, 3), market=NEW_YORK)
    found = joined([coins, late, shares])
    assert found.times[0] == BEGINNING + 7 * DAY  # Saturday and Sunday are in the span, but no share has a bar
    for k, one in enumerate((coins, late, shares)):
        own = one.levels[one.times == found.times[-1]][0] / one.levels[one.times == found.times[0]][0]
        assert np.prod(1.0 + found.returns[:, k]) == pytest.approx(own, rel=1e-12)
        assert found.lost[k].outside == (one.times < late.times[0]).sum() + (one.times > late.times[-1]).sum()
        assert found.lost[k].rows - found.lost[k].dropped == len(found.times)
    assert np.isin(found.times, shares.times).all()
    assert joined([coins, late, shares], span=len(found.returns)).lost == found.lost
    assert found.sparsest.sleeve == "shares"
    assert not found.returns.flags.writeable


def test_a_span_keeps_the_last_returns_and_counts_from_there() -> None:
    coins, shares = sleeve("coins", grown(30, 1)), sleeve("shares", grown(20, 2), market=NEW_YORK)
    whole, cut = joined([coins, shares]), joined([coins, shares], span=4)
    assert cut.times.tolist() == whole.times[-5:].tolist()
    np.testing.assert_array_equal(cut.returns, whole.returns[-4:])
    assert (cut.lost[0].dropped, cut.lost[0].rows) == (2, 7)  # one weekend in five sessions, to Friday 26 January
    assert joined([coins, shares], span=len(whole.returns)).lost == whole.lost
    assert len(joined([coins, shares], span=900).times) == len(whole.times)
    assert joined([coins, shares], span=len(whole.returns) - 1).times.tolist() == whole.times[1:].tolist()


def test_the_sparsest_sleeves_own_dates_are_what_is_judged() -> None:
    """Of five sessions a week the sparse sleeve loses each Wednesday, which the other one lacks."""
    dense = sleeve("dense", grown(35, 1))
    days = BEGINNING + np.arange(35) * DAY
    gone = days[(np.arange(35) % 7 != 2)]
    holed = sleeve("holed", grown(len(gone), 2), times=gone)
    shares = sleeve("shares", grown(23, 3), market=NEW_YORK)  # 25 weekdays less two holidays
    found = joined([dense, holed, shares])
    assert found.sparsest == found.lost[2]
    wednesdays = np.isin(shares.times, days[np.arange(35) % 7 == 2]).sum()
    assert (found.sparsest.dropped, found.sparsest.rows) == (wednesdays, 23)


def test_one_sleeve_is_itself_and_equal_levels_are_no_moves() -> None:
    alone = sleeve("alone", [1.0, 1.0, 1.5])
    found = joined([alone])
    assert (found.returns.tolist(), found.lost[0].dropped, found.sparsest.share) == ([[0.0], [0.5]], 0, 0.0)


def test_what_cannot_be_joined_is_refused_by_name() -> None:
    one = sleeve("one", [1.0, 1.1, 1.2])
    with pytest.raises(ModelError, match="needs at least one sleeve"):
        joined([])
    with pytest.raises(ModelError, match="sleeve one: its name is there 2 times"):
        joined([one, one])
    for levels in ([1.0], []):
        with pytest.raises(ModelError, match=rf"sleeve empty: it has {len(levels)} level\(s\) and no return"):
            joined([one, sleeve("empty", levels, decided=())])
    with pytest.raises(
        ModelError, match=r"one, later have 0 date\(s\) in common.* later begins on 2024-01-04, one end"
    ):
        joined([one, sleeve("later", [1.0, 1.1], first=BEGINNING + 3 * DAY)])
    with pytest.raises(ModelError, match=r"one, touching have 1 date\(s\) in common and need 2"):
        joined([one, sleeve("touching", [1.0, 1.1], first=BEGINNING + 2 * DAY)])


def test_a_ruined_sleeve_is_refused_unless_the_common_dates_end_before() -> None:
    lost = sleeve("lost", [1.0, 0.5, 0.0, 0.0])
    assert ruined(lost) == BEGINNING + 2 * DAY
    assert ruined(sleeve("kept", [1.0, 1e-9])) is None
    with pytest.raises(ModelError, match=r"sleeve lost: it lost everything on 2024-01-03, .* go on to 2024-01-03"):
        joined([lost, sleeve("other", [1.0, 1.1, 1.2])])
    assert joined([lost, sleeve("short", [1.0, 1.1])]).returns.tolist() == [[-0.5, pytest.approx(0.1)]]
