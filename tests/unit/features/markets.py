"""Markets on which ratings are easily wrong; tests of this folder share them."""

import numpy as np

T = 330


def walk(seed, step=0.03, level=100.0, rows=T):
    return level * np.exp(np.random.default_rng(seed).normal(0.0, step, rows).cumsum())


def bars_of(close, seed=9):
    """High, low and volume around a close."""
    draw = np.random.default_rng(seed)
    high, low = close * (1.0 + draw.random(len(close)) / 50), close * (1.0 - draw.random(len(close)) / 50)
    return {"high": high, "low": low, "close": close.copy(), "volume": draw.random(len(close)) * 1e5}


def holes(bars, rows):
    return {name: np.where(np.isin(np.arange(len(values)), rows), np.nan, values) for name, values in bars.items()}


def with_volume(bars, rows, value):
    bars["volume"][rows] = value
    return bars


def markets():
    """Random walks, prices that stand still, exact ties, gaps, young names, volumes that are zero or not known."""
    draw = np.random.default_rng(5)
    steps = np.round(draw.normal(0.0, 1.0, T)).cumsum() + 500.0
    tied = bars_of(100.0 + draw.integers(-1, 2, T))
    tied["high"], tied["low"] = tied["close"] + draw.integers(0, 2, T), tied["close"] - draw.integers(0, 2, T)
    flat = walk(3)
    flat[60:300] = 101.25
    quarter = np.round(walk(4) * 4.0) / 4.0
    unknown_high = bars_of(walk(12))
    unknown_high["high"][250] = np.nan
    return {
        "walk": bars_of(walk(1)),
        "calm": bars_of(walk(2, step=0.001)),
        "up": bars_of(np.linspace(50.0, 400.0, T)),
        "down": bars_of(np.linspace(400.0, 50.0, T)),
        "flat": bars_of(flat),
        "constant": {**{name: np.full(T, 7.0) for name in ("high", "low", "close")}, "volume": np.ones(T)},
        "ties": tied,
        "integers": {**bars_of(steps), "high": steps + 1.0, "low": steps - 1.0},
        "quarters": {**bars_of(quarter), "high": quarter, "low": quarter},
        "tiny": bars_of(walk(6, level=1e-9)),
        "large": bars_of(walk(7, level=60_000.0)),
        "gaps": holes(bars_of(walk(8)), draw.choice(T, 90, replace=False)),
        "long gap": holes(bars_of(walk(9)), range(100, 170)),
        "young": holes(bars_of(walk(10)), range(250)),
        "newborn": holes(bars_of(walk(11)), range(T - 5)),
        "dead": holes(bars_of(walk(13)), range(300, T)),
        "never": holes(bars_of(walk(14)), range(T)),
        "no volume": with_volume(bars_of(walk(15)), slice(None), 0.0),
        "halted volume": with_volume(bars_of(walk(16)), slice(200, 230), 0.0),
        "unknown volume": with_volume(bars_of(walk(17)), 250, np.nan),
        "unknown high": unknown_high,
    }


def stacked(values, close, width):
    """Bars (T x N) as kernels want them, W x N."""
    from tvquant.features.tiles import Tile

    return Tile(close, 0, close.shape[1], close.shape[1]).stacked(values, width)[0]


def matrices(names):
    """Fields of several markets, T x N."""
    return {
        field: np.column_stack([names[name][field] for name in names]) for field in ("high", "low", "close", "volume")
    }
