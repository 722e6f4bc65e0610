"""Selection models: one file per member."""
