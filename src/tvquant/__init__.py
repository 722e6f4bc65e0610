"""tvquant: from liquid instruments to an audited, walk-forward-tested portfolio, by one declarative profile."""

__version__ = "0.1.0"
