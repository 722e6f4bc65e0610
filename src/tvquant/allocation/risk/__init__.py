"""Risk profiles: what an allocation aims at, as data; engines have the methods."""
