"""Profiles: what a user declares, read from layers, checked, resolved and written down.

The way of a profile: files -> `load` -> `RawProfile` -> `resolve` with a `Vocabulary`, the environment and the
arguments of the command -> `ResolvedProfile` -> `to_manifest` in the run, `from_manifest` on resume. A meta-profile
(`RawProfile.is_meta`) goes through `resolve_meta`, `ResolvedMeta` and `meta_from_manifest`; `sleeves_of` follows its
sleeves to their own profiles.
"""

from tvquant.profiles.fields import Row
from tvquant.profiles.files import RawProfile, available, load
from tvquant.profiles.layers import ResolvedProfile, resolve
from tvquant.profiles.linting import lint, lint_all, lint_named
from tvquant.profiles.manifest import dump, explain, from_manifest, meta_from_manifest, to_manifest
from tvquant.profiles.mappings import load_mapping
from tvquant.profiles.merging import ProfileProblem
from tvquant.profiles.meta import MetaProfile
from tvquant.profiles.meta_layers import ResolvedMeta, resolve_meta, sleeves_of
from tvquant.profiles.options import Options
from tvquant.profiles.scanners import explain_scanner
from tvquant.profiles.schema import Profile
from tvquant.profiles.vocabulary import Vocabulary

__all__ = [
    "MetaProfile",
    "Options",
    "Profile",
    "ProfileProblem",
    "RawProfile",
    "ResolvedMeta",
    "ResolvedProfile",
    "Row",
    "Vocabulary",
    "available",
    "dump",
    "explain",
    "explain_scanner",
    "from_manifest",
    "lint",
    "lint_all",
    "lint_named",
    "load",
    "load_mapping",
    "meta_from_manifest",
    "resolve",
    "resolve_meta",
    "sleeves_of",
    "to_manifest",
]
