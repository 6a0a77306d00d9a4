"""The program that every command belongs to."""

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Choose a pretrained model: advise, probe on your data, decide.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
