from tvquant.atoms import LOGICS
from tvquant.profiles.files import SCANNERS
from tvquant.profiles.scanner_expansion import DEFAULT_LOGIC
from tvquant.profiles.scanners import load_scanner
from tvquant.selection.vetoes.directional import REVERSAL
from tvquant.universe import HOLD


def test_every_logic_that_recruits_can_be_synthesised() -> None:
    """Rooms on one line do not import each other: the words they share are held together here."""
    recruiters = [load_scanner(name).logic for name in SCANNERS.available(())]
    named = {logic for logic in recruiters if logic is not None} | {HOLD}
    assert named <= set(LOGICS)
    assert DEFAULT_LOGIC in LOGICS
    assert set(LOGICS) >= REVERSAL, "the logics that the ADX veto spares"


def test_every_logic_says_what_it_means() -> None:
    for name, logic in LOGICS.items():
        assert logic.name == name
        assert logic.meaning.endswith(".")
        assert bool(logic.source) is (logic.gate is not None), "a gate is a rule that somebody has written down"
