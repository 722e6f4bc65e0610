"""The one function that decides, walked forward over windows for every cell, and what became of it."""
