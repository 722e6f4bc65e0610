"""The genesis record: which run this is, made from what, on which timescales (R-LED-02)."""

from collections.abc import Mapping

from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.records import RUN, Entry
from tvquant.core.stages import Stage

DIGESTS = ("code", "manifest", "environment")
BARS = ("train", "test", "step", "lookback")
STEPS = ("test", "step")
"""Those of the bars that a step by the calendar may stand for."""
MODES = ("selection", "rebalance")


def genesis_entry(
    *,
    run_id: str,
    profile: str,
    code: str,
    manifest: str,
    environment: str,
    train: int,
    test: int | CalendarStep,
    step: int | CalendarStep,
    lookback: int,
    selection: str,
    rebalance: str,
) -> Entry:
    """Return the first entry of a run.

    Parameters
    ----------
    run_id, profile : names of the run and of its profile.
    code, manifest, environment : digests of the source files, the resolved profile and the locked packages.
    train, test, step, lookback : global timescales in bars; `test` and `step` may be a step by the calendar.
    selection : name of the selection model.
    rebalance : how holdings follow decisions.

    Raises
    ------
    ValueError : a field is missing, empty or of the wrong type.
    """
    entry = Entry(
        chain=RUN,
        stage=Stage.ENVIRONMENT,
        kind="genesis",
        inputs={"code": code, "manifest": manifest, "environment": environment},
        data={
            "run_id": run_id,
            "profile": profile,
            "timescales": {
                "train": train,
                "test": test,
                "step": step,
                "lookback": lookback,
                "selection": selection,
                "rebalance": rebalance,
            },
        },
    )
    check_genesis(entry, run_id)
    return entry


def check_genesis(entry: Entry, run_id: str) -> None:
    """Raise ValueError unless `entry` is a whole genesis record of the run `run_id`."""
    if entry.kind != "genesis" or entry.chain != RUN:
        raise ValueError(f"the first record is `genesis` on chain `{RUN}`, found {entry.kind!r} on {entry.chain!r}")
    if entry.data.get("run_id") != run_id:
        raise ValueError(f"genesis: run_id is {entry.data.get('run_id')!r}, expected {run_id!r}")
    scales = entry.data.get("timescales")
    if not isinstance(scales, Mapping) or set(scales) != {*BARS, *MODES}:
        raise ValueError(f"genesis: timescales must be {', '.join(BARS + MODES)}, found {scales!r}")
    texts = {name: entry.inputs.get(name) for name in DIGESTS} | {name: scales[name] for name in MODES}
    texts["profile"] = entry.data.get("profile")
    for name, text in texts.items():
        if not isinstance(text, str) or not text:
            raise ValueError(f"genesis: {name} must be a text, found {text!r}")
    for name in BARS:
        if name in STEPS and scales[name] in list(CalendarStep):
            continue
        if type(scales[name]) is not int or scales[name] < 1:
            raise ValueError(f"genesis: {name} must be a whole number of bars, 1 or more, found {scales[name]!r}")
