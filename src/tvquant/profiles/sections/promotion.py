"""Section `promotion`: what a challenger must show before it takes the champion's place."""

from typing import Annotated, Literal

from pydantic import Field

from tvquant.profiles.fields import Real, Section

type ChallengerName = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9_.]{1,40}$")]
type Statistic = Literal["sharpe_difference", "mean_difference"]


class PromotionSection(Section):
    """When a challenger is promoted; it is stated before the run, and `tvquant promote` judges by nothing else.

    Parameters
    ----------
    statistic : of the challenger's returns less the champion's, both net of costs and in excess of the risk-free rate:
        `sharpe_difference` of their annual Sharpe ratios, `mean_difference` of their annual means.
    margin : what the whole interval of the statistic must lie above.
    windows : the sample: windows, filled and over, that must be there before anything is judged.
    confidence : of the interval; with several challengers that of all intervals together (Bonferroni).
    block : rows of the blocks that are drawn: returns so far apart are taken for independent.
    """

    statistic: Statistic | None
    margin: Annotated[Real, Field(ge=0)] | None
    windows: Annotated[int, Field(strict=True, ge=1)] | None
    confidence: Real = Field(ge=0.5, lt=1)
    block: int = Field(strict=True, ge=1)

    @property
    def unstated(self) -> tuple[str, ...]:
        """Keys without which there is no rule."""
        return tuple(f"promotion.{key}" for key in ("statistic", "margin", "windows") if getattr(self, key) is None)
