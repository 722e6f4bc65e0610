from tvquant.app.vocabulary import meanings, vocabulary
from tvquant.profiles import available, lint


def test_every_packaged_preset_speaks_it() -> None:
    words = vocabulary()
    methods = {
        "barbell", "cvar_min", "equal_names", "equal_weight", "fixed", "herc", "hrp", "inverse_volatility",
        "max_diversification", "max_sharpe", "min_variance", "nco", "risk_parity",
    }  # fmt: skip
    assert words.engines["custom"] == {*methods, "adaptive", "market_neutral"}
    assert words.simulators == set(words.refusals) >= {"custom"}
    assert not words.refusals["custom"] & {"next_open", "next_close", "same_close"}
    assert {name: lint(name, words) for name in available()} == {name: [] for name in available()}


def test_every_risk_profile_and_veto_says_what_it_is() -> None:
    words, told = vocabulary(), meanings()
    assert {key: set(names) for key, names in told.items()} == {
        "allocation.profiles": words.risk_profiles,
        "allocation.covariance.estimator": words.covariances,
        "allocation.means.estimator": words.means,
        "selection.vetoes": words.vetoes,
    }
    assert all(len(what) > 20 for names in told.values() for what in names.values())
    vetoes = told["selection.vetoes"]
    assert (vetoes["kurtosis"].rpartition(" ")[2], vetoes["entropy"].rpartition(" ")[2]) == ("Hard.", "Soft.")
