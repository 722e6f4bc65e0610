"""Options that say where workers are: what does not go together is refused, and what does reaches the pool."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli import main
from tvquant.app.cli.cluster_options import cluster_of
from tvquant.app.identity import code
from tvquant.core.errors import DataError, ProfileError
from tvquant.tournament import workers
from tvquant.tournament.backends import catalogue
from tvquant.tournament.backends.contract import Backend, Cluster

AT = "tcp://127.0.0.1:1"


@pytest.mark.parametrize(
    ("backend", "address", "jobs", "why"),
    [
        ("dusk", None, 2, "--backend: unknown backend 'dusk' - did you mean dask.*known: dask, loky, ray"),
        (None, AT, 1, "--address is of a Dask or Ray cluster"),
        ("dask", AT, 2, "--jobs starts processes of this machine"),
        ("dask", None, 1, "--backend dask has no worker with --jobs 1"),
    ],
)
def test_what_does_not_go_together_is_refused(backend: str | None, address: str | None, jobs: int, why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        cluster_of(backend, address, jobs)


def test_what_is_not_installed_is_refused_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cluster_of("dask", None, 2) == Cluster(backend="dask", code=code)
    monkeypatch.setattr(catalogue, "find_spec", {"joblib": "here"}.get)
    assert cluster_of(None, None, 1) == Cluster(code=code)
    with pytest.raises(ProfileError, match=r"--backend: dask is not installed; install tvquant\[distributed\]"):
        cluster_of("dask", AT, 1)


def test_a_run_and_its_resumption_ask_the_workers_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    coins = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11}
    home = workspace_of(tmp_path / "ws", coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 182))

    def asked(jobs: int, _: Any, cluster: Cluster) -> Any:
        cluster.note(f"{cluster.code()}")
        raise DataError(f"{jobs} {cluster.backend} {cluster.address}")

    monkeypatch.setattr(workers, "BACKENDS", {"dask": Backend(open=asked, package="")})
    named = ["--backend", "dask", "--address", AT, "-w", str(home.root)]
    close = ["--set", "execution.convention=next_close"]
    for words in (["run", "crypto_spot", *close], ["run", "--resume", "latest"], ["tournament", "crypto_spot", *close]):
        assert main([*words, *named]) == 3
        said = capsys.readouterr().err
        assert f"1 dask {AT}" in said
        assert f"{code()}" in said
