"""Meta-portfolios: their sleeves' runs found or played, then weighed, netted and settled as a run of its own."""
