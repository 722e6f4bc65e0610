"""What a user must agree to before an unofficial source is asked; shown once, off until then."""

TRADINGVIEW = """\
TradingView's screener and chart data are private addresses of its web site: undocumented, they can change or vanish,
and TradingView neither supports nor endorses this program. Its terms forbid automated collection, redistribution and
use that feeds automated trading; whoever breaks them may lose the account, for a time or for good.
By agreeing you say that you use what is fetched for your own research only and pass none of it on. At most one request
a second is sent, no limit, captcha or paywall is worked around, and no password is ever used.
The data may be delayed, adjusted or changed later; ratings are not advice.\
"""

YAHOO = """\
Yahoo Finance has no public interface: its addresses are undocumented and can change or vanish, and neither Yahoo nor
the authors of the client library answer for what they bring. Yahoo's terms allow personal use only and forbid
redistribution.
By agreeing you say that you use what is fetched for your own research only and pass none of it on.
Its prices are adjusted for splits; rows may be missing, wrong or invented, and each such finding is shown.\
"""
