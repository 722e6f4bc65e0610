"""Tables on disk: where they are, their schemas, and commits that are durable."""
