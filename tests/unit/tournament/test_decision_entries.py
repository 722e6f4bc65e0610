"""The records of a decision: what they hold, that nothing is in them twice, and that the decision comes back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.core.decisions import Decision
from tvquant.core.digests import digest_json
from tvquant.core.panel import Floats, Panel
from tvquant.core.records import Entry
from tvquant.core.selection import SelectionResponse
from tvquant.ledger import Ledger, RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import Profile
from tvquant.tournament.cells import Cell, cells
from tvquant.tournament.decide import decide
from tvquant.tournament.decision_entries import Shared, named, recorded, selection_entry, snapshot_entry
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Begin = Callable[[Path], Ledger]

WINDOW, ROW = 150, 149


def decided(panel: Panel, made: Profile) -> dict[str, tuple[Cell, Decision]]:
    """Path key -> its cell and what it decides at the row, of every path of the profile."""
    view = look(panel, ROW)
    return {cell.path.key: (cell, decide(view, cell.spec, Previous())) for cell in cells(made)}


@pytest.fixture
def row(profile: Profiles, market: Markets, walks: Walks) -> dict[str, tuple[Cell, Decision]]:
    """Twelve names under v4, three risk profiles and the baselines."""
    made = profile(
        selection__model="v4", allocation__profiles=["hrp", "equal_weight", "min_variance"], risk__primary="hrp",
        selection__max_winners=9, selection__min_winners=5, benchmark__market=["X:A"],
    )  # fmt: skip
    return decided(market(walks("ABCDEFGHIJKL", 200)), made)


@pytest.fixture
def v4(row: dict[str, tuple[Cell, Decision]]) -> tuple[Cell, Decision, SelectionResponse]:
    cell, decision = row["v4/custom/hrp"]
    assert decision.response is not None
    return cell, decision, decision.response


def told(row: dict[str, tuple[Cell, Decision]]) -> dict[str, tuple[Rebalance, tuple[Entry, ...]]]:
    """What is recorded of a row, path by path."""
    so_far = Shared()
    return {key: recorded(cell.path, WINDOW, ROW, made, so_far) for key, (cell, made) in row.items()}


@pytest.mark.requirement("R-SEL-31")
def test_the_record_of_a_selection_holds_all_of_it(v4: tuple[Cell, Decision, SelectionResponse]) -> None:
    _, _, response = v4
    entry = selection_entry("v4", WINDOW, response)
    assert (entry.chain, entry.kind) == ("selection/v4", "selection")
    assert entry.outputs == {"selection": digest_json(response.payload())}
    assert entry.metrics == {"window": WINDOW, "winners": len(response.winners), "stage": response.stage}
    again = SelectionResponse.recorded(json.loads(json.dumps(dict(entry.data))))
    assert again.payload() == response.payload()


@pytest.mark.requirement("R-SEL-31")
def test_the_record_of_the_headline_holds_the_probabilities_of_the_whole_pool(
    v4: tuple[Cell, Decision, SelectionResponse],
) -> None:
    """In place of those of winners, which are among them; the digest is the same."""
    _, _, response = v4
    entry = selection_entry("v4", WINDOW, response, whole=True)
    assert entry.outputs == {"selection": digest_json(response.payload())}
    everyone, won = set(response.scores), set(response.recruited)
    assert won < everyone
    again = SelectionResponse.recorded(json.loads(json.dumps(dict(entry.data))))
    assert again.components == response.components
    assert set(again.components) == everyone
    assert again.payload() == response.payload()
    assert set(SelectionResponse.recorded(selection_entry("v4", WINDOW, response).data).components) == won


@pytest.mark.requirement("R-LED-05")
def test_what_a_row_repeats_is_recorded_once(row: dict[str, tuple[Cell, Decision]]) -> None:
    """Three strategies have one selection and one context; a baseline has no regime and no clusters."""
    entries = told(row)
    strategies = [entries[f"v4/custom/{name}"][1] for name in ("hrp", "equal_weight", "min_variance")]
    assert [one.kind for one in strategies[0]] == ["selection", "context", "decision"]
    assert all(one is other for made in strategies[1:] for one, other in zip(made[:2], strategies[0][:2], strict=True))
    assert {key: [one.kind for one in made] for key, (_, made) in entries.items() if "/" not in key} == {
        "base_universe_ew": ["context", "decision"], "benchmark": ["selection", "context", "decision"],
        "market": ["context", "decision"],
    }  # fmt: skip
    assert len({named(one) for _, made in entries.values() for one in made if one.kind == "context"}) == 4
    first, second = (entries[f"v4/custom/{name}"][1][-1] for name in ("hrp", "equal_weight"))
    assert first.chain == "decision/v4/custom/hrp"
    assert first.inputs == second.inputs | {"view": first.inputs["view"]}
    names = {atom.symbol for atom in row["v4/custom/hrp"][1].response.winners}  # type: ignore[union-attr]
    text = json.dumps(dict(first.data))
    assert not any(name in text for name in names), "the selection has the atoms"
    assert not {"regime", "funnel", "excluded", "footing"} & first.data.keys(), "the context has them"


def test_a_challengers_records_are_in_chains_of_its_own(profile: Profiles, market: Markets, walks: Walks) -> None:
    from tvquant.tournament.cells import shadows

    made = profile(challengers={"other": {"model": "all"}})
    (cell,) = shadows(made)
    decision = decide(look(market(walks("ABCDEF", 200)), ROW), cell.spec, Previous())
    chains = [one.chain for one in recorded(cell.path, WINDOW, ROW, decision, Shared())[1]]
    assert chains == ["shadow/other/selection", "shadow/other/context", f"{cell.path.key}/decision"]


@pytest.mark.requirement("R-LED-05")
def test_a_snapshot_names_its_decision_and_has_its_figures(row: dict[str, tuple[Cell, Decision]]) -> None:
    cell, decision = row["v4/custom/hrp"]
    kept = told(row)["v4/custom/hrp"][0]
    entry = snapshot_entry(cell, kept, decision)
    assert (entry.chain, entry.kind, entry.data) == (cell.key, "snapshot", {})
    assert entry.outputs == {"decision": kept.digest}
    assert all(isinstance(value, int | float | str) for value in entry.metrics.values())
    assert entry.metrics["gross"] == pytest.approx(sum(abs(w) for w in kept.weights.values()))
    assert (entry.metrics["position_cap"], entry.metrics["cluster_cap"]) == (0.25, 0.25)
    cell, decision = row["market"]
    metrics = snapshot_entry(cell, told(row)["market"][0], decision).metrics
    assert (metrics["position_cap"], metrics["cluster_cap"]) == (None, None), "a market has no caps to record"


@pytest.mark.requirement("R-LED-05")
def test_every_rebalance_comes_back_from_the_ledger(
    tmp_path: Path, profile: Profiles, market: Markets, walks: Walks, row: dict[str, tuple[Cell, Decision]],
    ledger_in: Begin,
) -> None:  # fmt: skip
    """Of strategies and of every baseline, that of a pool that nobody selected from among them."""
    scanner = {
        "name": "up", "pool": [], "signal": [], "logic": "hold", "direction": "LONG", "exchange": None, "kinds": [],
        "exclude_kinds": [], "currency": None,
    }  # fmt: skip
    recruited = decided(market(walks("ABCDEF", 200)), profile(universe__scanners=[scanner]))
    assert "raw_pool_ew" in recruited
    for name, found in (("all", row), ("recruited", recruited)):
        entries = told(found)
        with ledger_in(tmp_path / name) as ledger:
            for key, (rebalance, made) in entries.items():
                for entry in (*made, snapshot_entry(found[key][0], rebalance, found[key][1])):
                    ledger.record(entry)
        read = RecordedRun(RunFolder(tmp_path / name)).decisions
        for key, (cell, _) in found.items():
            one = read[cell.key][WINDOW]
            assert Rebalance.of(one.window, one.row, one.decision, one.selection) == entries[key][0]
