"""What changes the tables: imports of files, upserts of providers, repairs, removals, and upkeep."""
