"""Write `docs/results.md`: the frames of a run with their columns and units, from `tvquant.api.tables`."""

from pathlib import Path

from tvquant.api.tables import page

if __name__ == "__main__":
    Path(__file__).with_name("results.md").write_text(page(), "utf-8")
