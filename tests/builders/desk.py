"""The folder of a new user: a file of prices, a workspace that has them, and profiles as the user writes them."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

import tvquant as tv
from builders.stocks import FUND, SHARES, stock_bars

SPY, TLT = FUND, "NASDAQ:TLT"
TEN = tuple(f"NASDAQ:{one}" for one in SHARES[:10])
TECH = ("NASDAQ:AVGO", "NASDAQ:GOOGL", "NASDAQ:INTC", "NASDAQ:META", "NASDAQ:MSFT", "NASDAQ:NVDA")
HEAD = "version: 1\nextends: us_equities\n"
PROFILES = {
    "ten": f"""
universe: {{symbols: [{", ".join(TEN)}]}}
data: {{start: 2019-01-01, end: 2019-12-31}}
windows: {{step: month_end}}
selection: {{model: all}}
allocation:
  profiles: [equal_names]
  limits: {{position: 0.15, cluster: 1.0}}
risk: {{primary: equal_names}}
costs: {{slippage_bps: 10, commission_bps: 0}}
benchmark: {{market: [{TLT}]}}
""",
    "hold_all": """
universe: {kinds: [stock]}
selection: {model: all}
allocation:
  profiles: [equal_names]
  limits: {cluster: 1.0}
risk: {primary: equal_names}
""",
    "sixty": f"""
data: {{start: 2019-01-01}}
windows: {{step: quarter_end}}
selection: {{model: all}}
allocation:
  profiles: [fixed]
  fixed:
    weights: {{{SPY}: 0.6, {TLT}: 0.4}}
  limits: {{position: 0.6, cluster: 1.0}}
risk: {{primary: fixed}}
benchmark:
  market: {{{SPY}: 0.6, {TLT}: 0.4}}
  risk_free: 0.03
""",
    "dated": """
allocation:
  fixed: {weights: mine}
""",
    "limited": f"""
universe: {{kinds: [stock]}}
data: {{start: 2019-10-01}}
windows:
  step: {{week: friday}}
selection: {{model: all}}
allocation:
  profiles: [equal_names]
  limits:
    cluster: 1.0
    names: {{NASDAQ:AAPL: 0.05}}
    groups:
      tech: {{symbols: [{", ".join(TECH)}], max: 0.30}}
regime: {{caps: {{turbulent: 1.0, crisis: 1.0}}}}
risk: {{primary: equal_names}}
""",
}
MINE = f"date,symbol,weight\n2019-03-29,{SPY},0.6\n2019-03-29,{TLT},0.4\n2019-09-30,{TLT},0.5\n"


def _prices() -> pl.DataFrame:
    """Return the file the user has: what the builder calls TXN stands for a fund of bonds."""
    return stock_bars(date(2018, 1, 2), date(2020, 3, 31)).with_columns(pl.col("symbol").replace({"NASDAQ:TXN": TLT}))


@dataclass
class Desk:
    """The user's folder: a workspace and files beside it."""

    folder: Path
    bars: pl.DataFrame
    done: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "ws"

    @property
    def closes(self) -> pl.DataFrame:
        return self.bars.pivot("symbol", index="timestamp", values="close")

    def yahoo(self) -> pl.DataFrame:
        """Return what Yahoo would deliver of one share: no symbol, its own names of columns."""
        names = {one.capitalize(): one for one in ("open", "high", "low", "close", "volume")}
        return self.bars.filter(symbol="NASDAQ:AAPL").select(Date="timestamp", **names)

    def close(self, symbol: str) -> pl.DataFrame:
        return self.bars.filter(symbol=symbol).select(time=pl.col("timestamp").cast(pl.Datetime("us")), price="close")


def desk_in(folder: Path) -> Desk:
    """Return the folder filled: the prices imported, the profiles written, nothing run."""
    made = Desk(folder, _prices())
    made.bars.write_parquet(made.folder / "prices.parquet")
    workspace = tv.Workspace.create(made.home)
    workspace.import_frame(made.bars, basis="split")
    for name, text in PROFILES.items():
        head = HEAD.replace("us_equities", "sixty") if name == "dated" else HEAD
        (made.home / "profiles" / f"{name}.yaml").write_text(head + text)
    (made.home / "profiles" / "weights").mkdir()
    (made.home / "profiles" / "weights" / "mine.csv").write_text(MINE)
    return made
