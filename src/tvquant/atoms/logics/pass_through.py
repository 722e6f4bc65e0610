"""Logics without a gate: a scanner asks the signal when it recruits, and the stream is that of the asset (R-SYN-04)."""

from tvquant.atoms.logics.contract import Logic

HOLD = Logic(name="hold", meaning="Held because the universe names it.")
RATING_ALL = Logic(name="rating_all", meaning="Held because all votes together rate it a buy (LONG) or a sell (SHORT).")
RATING_MA = Logic(
    name="rating_ma", meaning="Held because its moving averages are rated a buy (LONG) or a sell (SHORT)."
)
RATING_OSC = Logic(name="rating_osc", meaning="Held because its oscillators are rated a buy (LONG) or a sell (SHORT).")
TREND = Logic(name="trend", meaning="Held because it has risen (LONG) or fallen (SHORT) over weeks and months.")
MEAN_REVERSION = Logic(
    name="mean_reversion", meaning="Held because it moves much and has fallen (LONG) or risen (SHORT) too far."
)
MULTI_TIMEFRAME = Logic(
    name="multi_timeframe", meaning="Held because day, week and month are rated alike and its trend is strong."
)
