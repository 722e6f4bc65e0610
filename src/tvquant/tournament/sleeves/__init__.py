"""Meta-portfolios: sleeves joined, weighed walk-forward, netted into one physical account."""
