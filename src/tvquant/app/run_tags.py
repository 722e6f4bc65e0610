"""Words that a user gave to runs, so that they are found and not pruned; beside the index of all runs.

They stand outside of a run's folder, whose ledger answers for every file there.
"""

import json
import re
from collections.abc import Mapping

from tvquant.app.workspace import Workspace
from tvquant.core import durable
from tvquant.core.errors import DataError, ProfileError

FILE = ".tags.json"
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def run_tags(home: Workspace) -> Mapping[str, tuple[str, ...]]:
    """Return run id -> its tags, sorted; runs without any are left out.

    Raises
    ------
    DataError : the file cannot be read: which runs are to stay is not known then.
    """
    path = home.runs.parent / FILE
    if not path.exists():
        return {}
    try:
        read = json.loads(path.read_text("utf-8"))
        return {str(run): tuple(sorted(map(str, tags))) for run, tags in read.items() if tags}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error}); mend it, or remove it with all tags in it") from error


def tag_run(home: Workspace, run: str, tag: str, *, remove: bool = False) -> tuple[str, ...]:
    """Give a run a tag, or take one away; return all that it has then.

    Raises
    ------
    ProfileError : the tag is no word of up to 40 letters, digits, dots, dashes and underscores.
    """
    if not TAG.fullmatch(tag):
        raise ProfileError(f"a tag is a word of up to 40 letters, digits and . _ -, found {tag!r}")
    tags = {name: set(words) for name, words in run_tags(home).items()}
    mine = tags.setdefault(run, set())
    if remove:
        mine.discard(tag)
    else:
        mine.add(tag)
    there = {folder.id for folder in home.all_runs()}
    content = {name: sorted(words) for name, words in sorted(tags.items()) if words and name in there}
    durable.write_text(home.runs.parent / FILE, json.dumps(content, indent=1) + "\n")
    return tuple(sorted(mine))
