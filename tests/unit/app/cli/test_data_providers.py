import json
from pathlib import Path

from typer.testing import CliRunner

from tvquant.app.cli.data import commands
from tvquant.market.providers.catalogue import PROVIDERS


def test_every_provider_is_listed_with_every_option(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        return CliRunner().invoke(commands, ["providers", "-w", str(tmp_path), *words]).stdout

    listed = {one["name"]: one for one in json.loads(said("--json"))}
    assert set(listed) == set(PROVIDERS)
    for name, factory in PROVIDERS.items():
        assert [one["name"] for one in listed[name]["options"]] == list(factory.options.model_fields)
        assert listed[name]["terms"] == ("not agreed" if factory.terms else "none")
        meanings = [one["meaning"] for one in listed[name]["options"]]
        assert all(meanings)
        assert len(set(meanings)) == len(meanings), f"{name}: two options that mean the same"
    assert "seed=0" in said()
