"""Nouns that travel between rooms, the error tree, the clock protocol, digests, calendars and stamps."""
