"""The family of logics: their contract, one file per gated member, and the catalogue."""
