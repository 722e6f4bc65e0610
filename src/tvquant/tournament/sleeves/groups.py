"""One risk profile of a meta-portfolio from its sleeves to what its accounts hold.

1. Sleeves are joined at their common dates.
2. They are weighed walk-forward; beside the headline the mixes are restored on the same dates.
3. The account has the instruments of all of them, and rows for the dates at which anything is decided.
4. What each path holds of the sleeves is netted on that account.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tvquant.core.calendars import common_calendar
from tvquant.core.panel import Panel
from tvquant.core.sleeves import Sleeve
from tvquant.profiles.meta import MetaProfile
from tvquant.tournament.sleeves.account import AccountPanel, account_panel
from tvquant.tournament.sleeves.join import Joined, joined
from tvquant.tournament.sleeves.meta_specs import mixes_of, rules_of, spec_of
from tvquant.tournament.sleeves.netting import NettedBook, decision_times, netted
from tvquant.tournament.sleeves.shares import MetaPath
from tvquant.tournament.sleeves.weighing import mixed, weighed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """The sleeves of one risk profile, joined, and the panel of their account.

    Parameters
    ----------
    market : name of the calendar on which the sleeves meet.
    """

    risk_profile: str
    sleeves: tuple[Sleeve, ...]
    joined: Joined
    market: str
    account: AccountPanel

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sleeves."""
        return self.joined.names


def group_of(profile: MetaProfile, risk_profile: str, sleeves: Sequence[Sleeve], panels: Mapping[str, Panel]) -> Group:
    """Return sleeves joined with their account; `panels` has by name what each was played on.

    Raises
    ------
    ModelError : sleeves cannot be joined.
    DataError : they have too few dates in common, or were played on different data.
    """
    found = joined(sleeves, profile.join.span)
    market = common_calendar(one.calendar for one in sleeves)
    even = mixed(found, mixes_of(profile, found.names)[0], spec_of(profile, risk_profile), market)  # for its dates
    account = account_panel(
        {one.name: panels[one.name] for one in sleeves},
        found.times[even.decisions[0].row :],
        decision_times(sleeves, even),
        profile.execution.execution(),
    )
    return Group(risk_profile=risk_profile, sleeves=tuple(sleeves), joined=found, market=market, account=account)


def weighed_in(group: Group, profile: MetaProfile) -> MetaPath:
    """Return the meta decisions of the group's risk profile."""
    return weighed(group.joined, spec_of(profile, group.risk_profile), group.market)


def mixes_in(group: Group, profile: MetaProfile) -> tuple[MetaPath, ...]:
    """Return the mixes on the dates of the group's risk profile."""
    spec = spec_of(profile, group.risk_profile)
    return tuple(mixed(group.joined, one, spec, group.market) for one in mixes_of(profile, group.names))


def netted_in(group: Group, path: MetaPath, profile: MetaProfile) -> NettedBook:
    """Return what the account of a path holds."""
    return netted(group.sleeves, path, group.account.panel, rules_of(profile))
