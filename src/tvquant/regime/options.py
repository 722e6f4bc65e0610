"""Options of the detector: second opinions, and bands of the user's own."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from tvquant.profiles.options import Options, Reader
from tvquant.profiles.regime_bands import Bands, load_bands

if TYPE_CHECKING:
    from tvquant.profiles.schema import Profile

LIBRARIES = {"hmm": "hmmlearn", "jump": "jumpmodels"}
"""Option -> the library that it asks; both are of the extra `stats`."""


class Detection(Options):
    """What the detector asks beside the score.

    Parameters
    ----------
    hmm : whether a hidden Markov model of two states has a say: where its latest state is the rougher one, a turbulent
        market is in a crisis. It needs the extra `stats`.
    jump : the same by a jump model, which changes its mind less often. It needs the extra `stats`.
    bands : name of a file `bands/NAME.json` beside the profiles, as `tvquant regime calibrate` writes it; null are the
        packaged bands of noise.
    """

    from_files: ClassVar[dict[str, Reader]] = {"bands": load_bands}
    hmm: bool = False
    jump: bool = False
    bands: Bands | None = None

    def complaints(self, profile: "Profile") -> Iterator[tuple[str, str]]:
        """Yield libraries that are not installed, and bands that the preset does not look at."""
        for name, library in LIBRARIES.items():
            if getattr(self, name) and find_spec(library) is None:
                yield name, f"{library} is not installed; install tvquant[stats]"
        if self.bands is not None and profile.regime.preset == "as_specified":
            yield "bands", "the preset as_specified has fixed figures; drop this key, or set regime.preset: calibrated"
