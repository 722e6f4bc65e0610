"""All risk profiles by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.allocation.risk.aggressors import Aggressors
from tvquant.allocation.risk.contract import Capping, Estimate, Objective, RiskProfile
from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.allocation.risk.tail import Tail
from tvquant.core.neutrality import MARKET_NEUTRAL

FIXED = FixedWeights.under
BARBELL = Aggressors.under
RISK_PROFILES: Mapping[str, RiskProfile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            RiskProfile(
                name="equal_weight",
                meaning="The same weight for every atom, or in two layers for every cluster, cut at the caps.",
                objective=Objective.EQUAL_WEIGHT,
                capping=Capping.INSIDE,
                needs=frozenset(),
            ),
            RiskProfile(
                name="equal_names",
                meaning="The same weight for every name, however many atoms hold it, cut at the caps.",
                objective=Objective.EQUAL_NAMES,
                capping=Capping.INSIDE,
                needs=frozenset(),
                not_of_sleeves="it counts names, and a sleeve holds many; equal_weight gives sleeves equal parts",
            ),
            RiskProfile(
                name=FIXED,
                meaning="The weights that the user declares, cut at the limits.",
                objective=Objective.DECLARED,
                capping=Capping.INSIDE,
                needs=frozenset(),
                options=(FixedWeights,),
                not_of_sleeves="its weights are of symbols; allocation.mixes has fixed weights of sleeves",
            ),
            RiskProfile(
                name="min_variance",
                meaning="The least variance for the capital invested.",
                objective=Objective.MIN_VARIANCE,
                capping=Capping.INSIDE,
            ),
            RiskProfile(
                name=MARKET_NEUTRAL,
                meaning="The least variance of a book that hardly moves with the benchmark.",
                objective=Objective.MIN_VARIANCE,
                capping=Capping.INSIDE,
                not_of_sleeves="it bounds the beta of names to one market; min_variance is it without that bound",
            ),
            # With caps inside the program contributions would not be equal anywhere.
            RiskProfile(
                name="risk_parity",
                meaning="The same contribution to the variance from every name.",
                objective=Objective.EQUAL_RISK,
                capping=Capping.PROJECTED,
            ),
            RiskProfile(
                name="hrp",
                meaning="Capital split down a tree of correlations by inverse branch variance.",
                objective=Objective.HIERARCHICAL,
                capping=Capping.PROJECTED,
            ),
            # A composition above engines: they are asked for its core.
            RiskProfile(
                name=BARBELL,
                meaning="A few antifragile leaders of clusters beside a broad core, by hierarchical risk parity.",
                objective=Objective.HIERARCHICAL,
                capping=Capping.PROJECTED,
                options=(Aggressors,),
                not_of_sleeves="its leaders are chosen by scores of selection, and sleeves have none",
            ),
            RiskProfile(
                name="max_sharpe",
                meaning="The most expected return per volatility for the capital invested.",
                objective=Objective.MAX_RATIO,
                capping=Capping.INSIDE,
                least_l2=0.10,
                needs=frozenset({Estimate.COVARIANCE, Estimate.MEANS}),
            ),
            RiskProfile(
                name="inverse_volatility",
                meaning="Every name by the inverse of its volatility, whatever moves together.",
                objective=Objective.INVERSE_VOLATILITY,
                capping=Capping.PROJECTED,
            ),
            RiskProfile(
                name="max_diversification",
                meaning="The most average volatility of the names per volatility of the book.",
                objective=Objective.MAX_DIVERSIFICATION,
                capping=Capping.INSIDE,
            ),
            RiskProfile(
                name=Tail.under,
                meaning="The least mean loss in the worst rows of training, for the capital invested.",
                objective=Objective.MIN_CVAR,
                capping=Capping.INSIDE,
                needs=frozenset({Estimate.RETURNS}),
                options=(Tail,),
            ),
            RiskProfile(
                name="herc",
                meaning="Capital split down a tree of correlations as far as its clusters, by their variances.",
                objective=Objective.HIERARCHICAL_RISK,
                capping=Capping.PROJECTED,
            ),
            RiskProfile(
                name="nco",
                meaning="The least variance within each cluster, then across the clusters.",
                objective=Objective.NESTED,
                capping=Capping.PROJECTED,
            ),
        )
    }
)
