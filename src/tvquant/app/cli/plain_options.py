"""Conversion of plain options without pydantic.

typer converts every option by pydantic, whose import costs more than `tvquant runs` does. Text, paths and options that
were not given need no more than what is here; numbers, dates and choices are converted by typer.
"""

from pathlib import Path
from typing import Any


class PlainConversion:
    """The conversion of one option: by itself where that is plain, by typer's own where it is not.

    Parameters
    ----------
    kind : what the option is annotated with.
    other : makes typer's conversion when it is first needed.
    """

    def __init__(self, kind: Any, other: Any) -> None:
        self.kind, self._other = kind, other

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as the command takes it."""
        if value is None and not param.multiple and param.nargs == 1:
            return None
        if self.kind is str and type(value) is str and value.isprintable():
            return value
        if self.kind is Path and isinstance(value, str | Path) and str(value).isprintable():
            return Path(value)
        return self._other().coerce(value, param=param, ctx=ctx)


def converted_plainly[P: list[Any]](params: P) -> P:
    """Let each of the options and arguments of a command be converted here; those that are already stay."""
    for param in params:
        descriptor = getattr(param, "type_descriptor", None)
        if descriptor is not None and "get_runtime_param" not in vars(param):
            kind = Path if descriptor.is_path else descriptor.annotation
            plain = PlainConversion(kind, param.get_runtime_param)
            param.get_runtime_param = lambda plain=plain: plain
    return params
