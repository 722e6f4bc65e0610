"""The sections of a profile: a room gets the one it works by."""
