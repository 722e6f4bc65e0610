"""The vocabulary of profiles, from the catalogues of every plug-in family."""

from collections.abc import Iterator, Mapping

from tvquant.profiles import Profile, Vocabulary
from tvquant.profiles.options import declared_by
from tvquant.profiles.sections.allocation import ADAPTIVE

UNSUITED = "the regime that it follows is of one market, and sleeves may be of several"
CHOSEN = "In each regime of the market another of these, by risk.adaptive."


def vocabulary() -> Vocabulary:
    """Return every member that a profile may name here."""
    from tvquant import simulation
    from tvquant.allocation import ENGINES, RISK_PROFILES, risk_profiles_of, uninstalled
    from tvquant.allocation.profile_checks import complaints
    from tvquant.allocation.risk.contract import Estimate
    from tvquant.atoms import LOGICS
    from tvquant.features import TERMS
    from tvquant.regime import MarketRegimeDetector
    from tvquant.selection import SELECTION_MODELS, VETOES
    from tvquant.statistics import ESTIMATORS, MEANS

    unsuited = {name: one.not_of_sleeves for name, one in RISK_PROFILES.items() if one.not_of_sleeves}
    suited = [one for name, one in RISK_PROFILES.items() if name not in unsuited]
    return Vocabulary(
        selection_models=frozenset(SELECTION_MODELS),
        engines={name: risk_profiles_of(engine) | {ADAPTIVE} for name, engine in ENGINES.items()},
        risk_profiles=frozenset((*RISK_PROFILES, ADAPTIVE)),
        covariances=frozenset(ESTIMATORS),
        means=frozenset(MEANS),
        uninformed=frozenset(name for name, one in MEANS.items() if not one.informed),
        reads_means=frozenset(name for name, one in RISK_PROFILES.items() if Estimate.MEANS in one.needs),
        simulators=frozenset(simulation.SIMULATORS),
        refusals={name: simulation.refusals_of(one) for name, one in simulation.SIMULATORS.items()},
        features=frozenset(TERMS),
        logics=frozenset(LOGICS),
        vetoes=frozenset(VETOES),
        missing={**uninstalled(), **simulation.uninstalled()},
        checks=(complaints, _misdelivered),
        contradictions=_contradictions(),
        options={
            "selection": declared_by((*SELECTION_MODELS.values(), *VETOES.values())),
            "allocation": declared_by((*ENGINES.values(), *RISK_PROFILES.values())),
            "allocation.covariance": declared_by(ESTIMATORS.values()),
            "logics": declared_by(LOGICS.values()),
            "regime": declared_by((MarketRegimeDetector,)),
            "execution": declared_by(simulation.SIMULATORS.values()),
        },
        meta_options={
            "allocation": declared_by((*ENGINES.values(), *suited)),
            "allocation.covariance": declared_by(ESTIMATORS.values()),
            "execution": declared_by(simulation.SIMULATORS.values()),
        },
        unsuited={ADAPTIVE: UNSUITED, **unsuited},
    )


def _contradictions() -> Mapping[str, frozenset[str]]:
    """Return selection model -> keys of `selection` that it has no use for: those of other models, and its own list."""
    from tvquant.selection import SELECTION_MODELS, VETOES

    of_vetoes = {key for declared in declared_by(VETOES.values()) for key in declared.model_fields}
    keys = {
        name: {key for declared in model.options for key in declared.model_fields}
        for name, model in SELECTION_MODELS.items()
    }
    every = frozenset().union(*keys.values()) - of_vetoes
    return {name: model.contradicts | (every - keys[name]) for name, model in SELECTION_MODELS.items()}


def _misdelivered(profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield what `data.providers` names and there is not; who names nobody does not wait for the providers' room."""
    if profile.data.providers:
        from tvquant.app import deliveries

        yield from deliveries.complaints(profile)


def meanings() -> Mapping[str, Mapping[str, str]]:
    """Return key -> what each name that may stand there means, for risk profiles, estimators and vetoes."""
    from tvquant.allocation import RISK_PROFILES
    from tvquant.selection import VETOES
    from tvquant.statistics import ESTIMATORS, MEANS

    return {
        "allocation.profiles": {ADAPTIVE: CHOSEN, **{name: one.meaning for name, one in sorted(RISK_PROFILES.items())}},
        "allocation.covariance.estimator": {name: one.meaning for name, one in sorted(ESTIMATORS.items())},
        "allocation.means.estimator": {name: one.meaning for name, one in sorted(MEANS.items())},
        "selection.vetoes": {
            name: f"{one.meaning} {'Hard' if one.hard else 'Soft'}." for name, one in sorted(VETOES.items())
        },
    }
