"""The vocabulary of profiles, from the catalogues of every plug-in family."""

from tvquant.profiles import Vocabulary


def vocabulary() -> Vocabulary:
    """Every member that a profile may name here."""
    from tvquant.allocation import ENGINES, RISK_PROFILES
    from tvquant.atoms import LOGICS
    from tvquant.features import TERMS
    from tvquant.selection import SELECTION_MODELS, VETOES
    from tvquant.simulation import SIMULATORS

    return Vocabulary(
        selection_models=frozenset(SELECTION_MODELS),
        engines={name: engine.risk_profiles for name, engine in ENGINES.items()},
        risk_profiles=frozenset(RISK_PROFILES),
        simulators={name: frozenset(simulator.conventions) for name, simulator in SIMULATORS.items()},
        features=frozenset(TERMS),
        logics=frozenset(LOGICS),
        vetoes=frozenset(VETOES),
    )
