"""The same core without a browser. Results go to standard output, progress and complaints to standard error."""

import io
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import typer

from advisor.cli import advise, runs, system, terminal
from advisor.cli.knowledge import knowledge_app
from advisor.cli.root import app
from advisor.cli.terminal import complain, complaint, say
from advisor.errors import AdvisorError, Cancelled, InputError, nearest

__all__ = ["advise", "app", "main", "runs", "system", "terminal"]

app.add_typer(knowledge_app, name="knowledge")
CANCELLED = "Cancelled before anything was probed."


def main() -> None:
    """Run the command line; every failure is one message and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(prog_name="advisor", standalone_mode=False) or 0
        if code == Cancelled.exit_code:
            complain(say(CANCELLED))
    except AdvisorError as error:
        complain(complaint(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        complain(say(CANCELLED))
        code = Cancelled.exit_code
    except BrokenPipeError:
        code = _nobody_reads()
    except SystemExit as ended:
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        code = _nobody_reads()
    except Exception as error:
        if isinstance(error, typer.Exit):
            code = error.exit_code
        elif hasattr(error, "format_message") and hasattr(error, "exit_code"):
            complain(_usage(error))
            code = 2
        elif os.environ.get("ADVISOR_DEBUG"):
            raise
        else:
            said = f"Something unforeseen: {type(error).__name__}: {error}. Set ADVISOR_DEBUG=1 to see where."
            complain(say(said))
            code = 1
    sys.exit(code)


def _nobody_reads() -> int:
    """Send what is left to nowhere, because the reader of a pipe has had enough; that is no failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _usage(error: Any) -> str:
    """Say what was wrong with the command line: the word, what is allowed and the nearest, and where to read on."""
    context, message = getattr(error, "ctx", None), str(error.format_message()).rstrip(".")
    if context is None or message.startswith("Usage:"):
        return message
    see = f"See `{context.command_path} --help`."
    unknown = getattr(error, "option_name", None)
    if unknown:
        options = [name for parameter in context.command.params for name in parameter.opts if name[0] == "-"]
        way_out = f"{nearest(unknown, options)} {see}"
        return complaint(InputError(f"Unknown option {unknown!r}", ", ".join(options), way_out))
    return complaint(InputError(message + _given(getattr(error, "param", None), sys.argv), fix=see))


def _given(parameter: Any, words: Sequence[str]) -> str:
    names = getattr(parameter, "opts", ())
    values = [value for word, value in pairwise(words) if word in names]
    values += [word.partition("=")[2] for word in words if "=" in word and word.partition("=")[0] in names]
    return f" (given: {values[-1]!r})" if values else ""
