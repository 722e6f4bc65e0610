"""The command line: `tvquant`. Each group of commands has its file; heavy imports happen inside the commands."""

from tvquant.core.garbage import collect_seldom

collect_seldom()  # what is imported is much, and no garbage

from tvquant.app.cli.main import main  # noqa: E402  # the imports that this is for

__all__ = ["main"]
