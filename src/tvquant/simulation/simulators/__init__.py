"""The family of simulators: `contract`, one file per member, `catalogue`."""
