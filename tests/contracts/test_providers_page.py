"""The page of providers says of each member what it declares, and of a new one what the contract asks."""

from pathlib import Path

import pytest

from builders.clocks import ManualClock
from builders.pages import ROOT
from tvquant.core.instruments import Kind
from tvquant.market.providers import contract
from tvquant.market.providers.catalogue import PROVIDERS

PAGE = ROOT / "docs" / "providers" / "index.md"
COMMON = (Kind.SPOT, Kind.SWAP, Kind.STOCK, Kind.ETF, Kind.INDEX)


def row(name: str, folder: Path) -> str:
    """The row of a member, as it declares itself when it is opened with its defaults."""
    factory = PROVIDERS[name]
    member = factory.opened({"path": folder} if name == "files" else {}, ManualClock())
    can = member.capabilities
    cells = (
        f"`{name}`",
        ", ".join(kind for kind in COMMON if kind in can.kinds),
        ", ".join(sorted(can.intervals)),
        *("yes" if one else "" for one in (can.actions, can.funding, can.instruments, can.live)),
        member.basis if can.tells_basis else "as declared",
        "to agree to" if factory.terms else "",
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_each_provider_is_on_the_page_as_it_declares_itself(name: str, tmp_path: Path) -> None:
    assert row(name, tmp_path) in PAGE.read_text("utf-8").splitlines()


def test_no_other_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    rows = [line for line in text.partition("## One for all")[0].splitlines() if line.startswith("|")]
    assert len(rows) == len(PROVIDERS) + 2


def test_what_an_author_must_give_is_the_contracts_table() -> None:
    table = [line for line in (contract.__doc__ or "").splitlines() if line.startswith("|")]
    assert len(table) > 5
    assert "\n".join(table) in PAGE.read_text("utf-8")
