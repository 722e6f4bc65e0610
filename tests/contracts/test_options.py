"""Options of every family's members, and that a new member with options is one declaration and one catalogue line."""

from dataclasses import dataclass

import numpy as np
import pytest
from pydantic import Field

from builders.profiles import profile_of
from tvquant.allocation import ENGINES, RISK_PROFILES
from tvquant.app.vocabulary import vocabulary
from tvquant.atoms import LOGICS
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.errors import ProfileError
from tvquant.core.features import FeatureSet
from tvquant.core.selection import SelectionResponse
from tvquant.core.streams import Streams
from tvquant.profiles import Options
from tvquant.profiles.fields import Real
from tvquant.profiles.options import places_of
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.regime import MarketRegimeDetector
from tvquant.selection import SELECTION_MODELS, VETOES, SelectionContext
from tvquant.selection.models.baseline import Baseline
from tvquant.selection.vetoes.contract import Rule, above
from tvquant.simulation import SIMULATORS
from tvquant.statistics import ESTIMATORS

DECLARED = {place + "/" + each.__name__: each for place, each in places_of(vocabulary().options)}
FAMILIES = (SELECTION_MODELS, VETOES, LOGICS, ENGINES, RISK_PROFILES, ESTIMATORS, SIMULATORS)
MEMBERS = [m for f in FAMILIES for m in f.values()]
MEMBERS.append(MarketRegimeDetector)


@pytest.mark.parametrize("name", DECLARED)
def test_a_declaration_has_valid_defaults_and_stands_under_nobody_elses_name(name: str) -> None:
    declared = DECLARED[name]
    assert declared.model_fields
    assert declared.model_validate(declared().model_dump()) == declared()
    owners = {member.name for member in MEMBERS if declared in member.options}
    assert owners == {declared.under} if declared.under else owners


class SkewLimit(Options):
    """Option of the toy veto.

    Parameters
    ----------
    largest : largest skewness.
    """

    under = "skew"
    largest: Real = Field(default=3.0, gt=0)


class Take(Options):
    """Option of the toy model.

    Parameters
    ----------
    count : atoms that win.
    """

    under = "first"
    count: int = Field(default=2, strict=True, ge=1)


SKEW = Rule(
    name="skew",
    meaning="The skewness is above the limit.",
    hard=True,
    judge=lambda context, _: above(
        context.of_atoms("abs_skewness"), context.parameters.options(SkewLimit).largest
    ),
    options=(SkewLimit,),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """A model by which the first atoms win."""

    name: str = "first"
    version: str = "1"
    features: frozenset[str] = frozenset()
    options: tuple[type[Options], ...] = (Take,)
    contradicts: frozenset[str] = frozenset()

    def select(self, context: SelectionContext) -> SelectionResponse:
        everyone = Baseline().select(context)
        winners = everyone.winners[: context.parameters.options(Take).count]
        return SelectionResponse(
            decided_at=context.decided_at, model=self.name, version=self.version, winners=winners,
            scores=everyone.scores, components={}, vetoes={}, clusters=everyone.clusters, stage=1,
            recruited=dict.fromkeys([atom.symbol for atom in winners], "ranked"), thresholds={},
        )  # fmt: skip


@pytest.fixture
def _two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys in their catalogues, as one line each would put them there."""
    vetoes, models = {**VETOES, SKEW.name: SKEW}, {**SELECTION_MODELS, "first": First()}
    for module in ("tvquant.selection", "tvquant.selection.stages.policy"):
        monkeypatch.setattr(f"{module}.VETOES", vetoes)
    monkeypatch.setattr("tvquant.selection.SELECTION_MODELS", models)


def section(**values: object) -> SelectionSection:
    named = {f"selection__{key}": value for key, value in values.items()}
    return profile_of("us_equities", **named).selection


def context(parameters: SelectionSection) -> SelectionContext:
    """Six calm longs, of which the last once gained a half."""
    returns = np.random.default_rng(0).normal(0.0, 0.02, (200, 6))
    returns[50, 5] = 0.5
    atoms = tuple(Atom(physical_symbol=f"X:N{k}", logic="hold", direction=Direction.LONG) for k in range(6))
    times = np.datetime64("2024-01-01", "us") + np.arange(200) * np.timedelta64(1, "D")
    streams = Streams(
        ids=tuple(atom.symbol for atom in atoms),
        times=times,
        returns=returns,
        composition={atom.symbol: {atom.physical_symbol: 1.0} for atom in atoms},
    )
    keys = tuple(atom.physical_symbol for atom in atoms)
    return SelectionContext(
        decided_at=times[-1],
        pool=AtomPool(atoms=atoms, streams=streams, own=returns),
        features=FeatureSet(names=(), keys=keys, values=np.empty((0, 6)), known_at=times[-1]),
        parameters=parameters,
        train=60,
        periods_per_year=252,
    )


@pytest.mark.usefixtures("_two_lines")
def test_the_value_of_a_toy_veto_reaches_it() -> None:
    v4 = SELECTION_MODELS["v4"]
    for limit, vetoed in ((3.0, True), (1000.0, False)):
        response = v4.select(context(section(vetoes=["skew"], skew__largest=limit)))
        assert ("X:N5_hold_LONG" in response.vetoes) is vetoed
        assert response.thresholds["skew"] == {"limit": limit}
        assert len(response.winners) == 6 - vetoed


@pytest.mark.usefixtures("_two_lines")
def test_the_value_of_a_toy_model_reaches_it() -> None:
    assert len(First().select(context(section(model="first"))).winners) == 2
    assert len(First().select(context(section(model="first", first__count=4))).winners) == 4


@pytest.mark.usefixtures("_two_lines")
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("skew__largst", 2.0, "selection.skew.largst: unknown key - did you mean selection.skew.largest"),
        ("skew__largest", 0, "selection.skew.largest: expected greater than 0, found 0"),
        ("first__count", 1.5, "selection.first.count: expected a valid integer, found 1.5"),
        ("vetoes", ["skwe"], "selection.vetoes: unknown veto 'skwe' - did you mean skew"),
        ("model", "fist", "selection.model: unknown selection model 'fist' - did you mean first"),
    ],
)
def test_what_a_toy_does_not_take_is_refused(key: str, value: object, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        section(**{key: value})


def test_without_their_lines_nobody_knows_them() -> None:
    with pytest.raises(ProfileError, match=r"selection.skew: unknown key"):
        section(skew__largest=2.0)
