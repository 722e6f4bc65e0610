"""The stages of a run, one file each, and the catalogue that orders them."""
