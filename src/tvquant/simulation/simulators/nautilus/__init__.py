"""The simulator `nautilus`: the house's rules on the event engine of NautilusTrader, version 1 or 2."""
