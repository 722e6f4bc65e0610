"""Feature terms: named numbers per instrument, one file per small group."""
