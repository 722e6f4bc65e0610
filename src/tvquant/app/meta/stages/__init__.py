"""The stages of a meta-portfolio's run, one file each."""
