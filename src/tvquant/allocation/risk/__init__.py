"""Risk profiles: what an allocation aims at, one file per member with the house's own solution."""
