"""The command line: `tvquant`. Each group of commands has its file; heavy imports happen inside the commands."""

from tvquant.app.cli.main import main

__all__ = ["main"]
