"""The page about the command line, made from the commands themselves."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import typer

from advisor.cli import app

__all__ = ["command_page", "commands"]


def commands() -> Iterator[tuple[str, Any]]:
    """Walk all commands, groups that do something of their own included.

    :return: the words to type and the command.
    """
    yield from _below("advisor", typer.main.get_command(app))


def _below(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        if inner is None or command.invoke_without_command:
            yield f"{path} {name}", command
        if inner:
            yield from _below(f"{path} {name}", command)


def command_page() -> str:
    """Describe every command, argument and option.

    :return: Markdown.
    """
    lines = [
        "# Commands and options",
        "",
        "Made from the commands themselves; `advisor COMMAND --help` prints the same. How they work together, exit "
        "codes, plans, device files and environment variables: [the command line](../cli.md).",
        "",
    ]
    for path, command in commands():
        takes = get_type_hints(command.callback)
        options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        needed = [f"{_flag(one)} {_word(takes[one.name]).upper()}" for one in options if one.required]
        words = " ".join([path, *(one.name.upper() for one in arguments), *needed])
        rest = " [OPTIONS]" if len(needed) < len(options) else ""
        lines += [f"## {path}", "", command.help or "", "", "```", f"{words}{rest}", "```", ""]
        lines += ["| | takes | default | |", "|---|---|---|---|"]
        lines += [_row(one, _word(takes[one.name])) for one in (*arguments, *options)]
        lines.append("")
    return "\n".join(lines)


def _flag(one: Any) -> str:
    return str(next((name for name in one.opts if name.startswith("--")), one.opts[0]))


def _word(hint: Any) -> str:
    """Say in a word what an option takes; nothing for a switch."""
    inner = next((part for part in get_args(hint) if part is not NoneType), hint)
    return {Path: "path", int: "number", float: "number", bool: ""}.get(inner, "text")


def _row(one: Any, takes: str) -> str:
    names = [one.name.upper()] if one.param_type_name == "argument" else reversed(one.opts)
    default = (
        "required"
        if one.required
        else ""
        if one.default is None or one.default is False
        else f"`{one.default}`"
    )
    said = (one.help or "").replace("|", "\\|")
    return f"| `{', '.join(names)}` | {takes} | {default} | {said} |"
