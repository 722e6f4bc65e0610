"""The vocabulary of profiles, from the catalogues of every plug-in family."""

from tvquant.profiles import Vocabulary


def vocabulary() -> Vocabulary:
    """Every member that a profile may name here."""
    from tvquant.allocation import ENGINES, RISK_PROFILES
    from tvquant.simulation import SIMULATORS

    return Vocabulary(
        selection_models=frozenset({"baseline"}),
        engines={name: engine.risk_profiles for name, engine in ENGINES.items()},
        risk_profiles=frozenset(RISK_PROFILES),
        simulators={name: frozenset(simulator.conventions) for name, simulator in SIMULATORS.items()},
    )
