from tvquant.app.vocabulary import vocabulary
from tvquant.profiles import available, lint


def test_every_packaged_preset_speaks_it() -> None:
    words = vocabulary()
    methods = {"equal_names", "equal_weight", "fixed", "hrp", "max_sharpe", "min_variance", "risk_parity"}
    assert words.engines["custom"] == methods
    assert words.simulators["custom"] == {"next_open", "next_close", "same_close"}
    assert {name: lint(name, words) for name in available()} == {name: [] for name in available()}
