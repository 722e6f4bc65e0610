"""What a symbol says of its instrument: kinds, venues, renames, tick and lot."""
