from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from tvquant.core.errors import ProfileError
from tvquant.profiles.files import UNIVERSES
from tvquant.profiles.members import Members, load_members
from tvquant.profiles.scanners import load_scanner

HEAD = "# as_of: 2024-06-30\n# source: here\n# licence: CC0\n# dated: {dated}\n"
COLUMNS = "ticker,first,last\n"


@pytest.fixture
def members(folder: Path) -> Callable[..., Members]:
    """A list of these rows, read from a file."""

    def members(rows: str, *, head: str = HEAD, dated: str = "true", columns: str = COLUMNS) -> Members:
        (folder / "universes").mkdir(exist_ok=True)
        text = head.format(dated=dated) + columns + rows
        (folder / "universes" / "mine.csv").write_text(text, encoding="utf-8")
        return load_members("mine", search=[folder])

    return members


@pytest.mark.requirement("R-UNI-03")
def test_members_of_a_day_both_ends_included(members: Callable[..., Members]) -> None:
    found = members("A,2001-01-02,2003-04-05\nA,2010-01-01,\nB,,2002-01-01\nC,,\n")
    assert found.names == ("A 2001-01-02/2003-04-05", "A 2010-01-01/", "B 0001-01-01/2002-01-01", "C")
    expected = {
        date(2001, 1, 1): {"B", "C"},
        date(2001, 1, 2): {"A", "B", "C"},
        date(2002, 1, 2): {"A", "C"},
        date(2003, 4, 5): {"A", "C"},
        date(2003, 4, 6): {"C"},
        date(2010, 1, 1): {"A", "C"},
        date(2030, 1, 1): {"A", "C"},
    }
    assert {day: found.tickers(day) for day in expected} == expected
    assert Members.model_validate(found.model_dump(mode="json")) == found
    assert hash(found) == hash(Members.model_validate(found.model_dump(mode="json")))


def test_a_list_without_dates_is_the_same_on_every_day(members: Callable[..., Members]) -> None:
    found = members("A,,\nB,,\n", dated="false")
    assert found.tickers(date(1950, 1, 1)) == found.tickers(date(2050, 1, 1)) == {"A", "B"}


@pytest.mark.requirement("R-UNI-03")
@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        ("A,2001-01-01\n", {}, "line 6: expected 3 values, found 2"),
        ("A,2001-01-32,\n", {}, "line 6: expected dates YYYY-MM-DD, found 'A 2001-01-32/'"),
        ("A,1.1.2001,\n", {}, "line 6: expected TICKER, TICKER FIRST/ or TICKER FIRST/LAST"),
        ("a b,,\n", {}, "line 6: expected TICKER,"),
        ("=A1,,\n", {}, "line 6: expected TICKER,"),
        ("A,2002-01-01,2001-01-01\n", {}, "line 6: expected the first day before the last"),
        ("A,,\nA,,\n", {}, "line 7: A: its spans overlap"),
        ("A,2001-01-01,2002-01-01\nB,,\nA,2002-01-01,\n", {}, "line 8: A: its spans overlap"),
        ("A,2025-01-01,\n", {}, "line 6: A has a day after as_of (2024-06-30)"),
        ("A,2001-01-01,\n", {"dated": "false"}, "line 6: the list states `dated: false`, and A has a day"),
        ("", {}, "names no member"),
        ("A,,\n", {"columns": "symbol,first,last\n"}, "line 5: expected the columns ticker,first,last"),
        ("A,,\n", {"dated": "maybe"}, "dated: expected true or false, found 'maybe'"),
        ("A,,\n", {"head": HEAD.replace("2024-06-30", "June")}, "as_of: expected YYYY-MM-DD, found 'June'"),
        ("A,,\n", {"head": HEAD.replace("# licence: CC0\n", "")}, "lacks the line `# licence: ...`"),
        ("A,,\n", {"head": HEAD.replace("licence", "license")}, "line 3: unknown header 'license' - did you mean lic"),
        ("A,,\n", {"head": HEAD + HEAD}, "line 5: as_of: expected once"),
        ("A,,\n" * 300_000, {}, "expected at most 1048576 bytes, found"),
    ],
)
def test_a_list_that_does_not_fit_names_its_line(
    members: Callable[..., Members], rows: str, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        members(rows, **changes)
    message = str(caught.value)
    assert message.startswith("list of members mine (universes/mine.csv)")
    assert said in message
    assert message.isprintable()


@pytest.mark.parametrize("names", [[], ["A", "A"], ["A 2001-01-01"], ["A /2001-01-01"], [" A"], ["A 2001-01-01/\n"]])
def test_a_definition_that_does_not_fit_is_refused(members: Callable[..., Members], names: list[str]) -> None:
    plain = members("A,,\n").model_dump(mode="json")
    with pytest.raises(ValidationError):
        Members.model_validate(plain | {"names": names})


def test_a_scanner_names_the_line_of_a_list_that_is_not_there(folder: Path, write: Callable[..., Path]) -> None:
    write("p", "members: sp50\n", below="scanners")
    with pytest.raises(ProfileError, match=r"scanner p .*, line 2: members: no list of members 'sp50' - did you mean"):
        load_scanner("p", search=[folder])


@pytest.mark.requirement("R-UNI-03")
@pytest.mark.parametrize(
    ("name", "dated", "day", "fewest", "most", "among", "not_among"),
    [
        ("sp500", True, date(2000, 1, 3), 480, 505, "ENRNQ", "GOOGL"),
        ("sp500", True, date(2020, 12, 18), 500, 506, "AAPL", "TSLA"),
        ("sp500", True, date(2020, 12, 21), 500, 506, "TSLA", "AIV"),
        ("nasdaq100", True, date(2022, 6, 9), 100, 103, "META", "FB"),
        ("dow30", True, date(2020, 8, 28), 30, 30, "XOM", "CRM"),
        ("dow30", True, date(2020, 8, 31), 30, 30, "CRM", "XOM"),
        ("index_etfs", False, date(2020, 1, 1), 20, 60, "SPY", "XLB"),
        ("sector_etfs", False, date(2020, 1, 1), 20, 60, "XLB", "SPY"),
        ("bond_etfs", False, date(2020, 1, 1), 20, 60, "TLT", "GLD"),
        ("commodity_etfs", False, date(2020, 1, 1), 20, 60, "GLD", "TLT"),
    ],
)
def test_packaged_lists(name: str, dated: bool, day: date, fewest: int, most: int, among: str, not_among: str) -> None:
    found = load_scanner(name).members
    assert found is not None
    tickers = found.tickers(day)
    assert found.dated is dated
    assert fewest <= len(tickers) <= most
    assert among in tickers
    assert not_among not in tickers
    assert found.source
    assert found.licence
    assert UNIVERSES.find(name, ()).stat().st_size < 100_000
