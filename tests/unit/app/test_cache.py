"""Where compiled kernels are kept, and what is said where they cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = (
    "import os, tvquant.app as app; from pathlib import Path;"
    "folder = Path(os.environ['NUMBA_CACHE_DIR']); print(folder, folder.is_dir(), app.CACHE_REFUSED, sep='|')"
)


@pytest.mark.parametrize("named", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_a_cache_folder_that_cannot_be_written_is_told_and_stood_in_for(tmp_path: Path, named: str) -> None:
    (tmp_path / "file").write_text("")
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {named: str(tmp_path / "file" / "cache"), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
    folder, there, refused = done.stdout.strip().split("|")
    assert folder.startswith(str(tmp_path / "tvquant-kernels-"))
    assert there == "True"
    assert refused.startswith(str(tmp_path / "file"))
    assert refused.endswith("Not a directory")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]  # what stood in is gone


def test_it_is_said_once_and_doctor_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tvquant.app.cli import doctor, main, watching

    monkeypatch.setattr(watching, "CACHE_REFUSED", "/x: Read-only file system")
    monkeypatch.setattr(doctor, "CACHE_REFUSED", "/x: Read-only file system")
    watching._note_compiling.cache_clear()
    with watching.compiling_noted():
        pass
    assert capsys.readouterr().err == ""  # nothing was compiled
    for _ in range(2):
        watching._note_compiling()
    assert capsys.readouterr().err.count("/x: Read-only file system") == 1
    main(["doctor", "-w", str(tmp_path)])
    assert "kernels are compiled at each start: /x: Read-only file system" in capsys.readouterr().out
    watching._note_compiling.cache_clear()
