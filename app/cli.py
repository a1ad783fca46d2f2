"""The command line: what is asked, how it is answered, and with which exit code.

========  ===================================================
0         succeeded (with warnings too)
1         failed, timed out, cancelled, or Metronome cannot start
2         wrong usage: an unknown command, task, name or value
3         skipped: there was nothing to do, or a precondition did not hold
========  ===================================================

With ``--json`` stdout carries exactly one JSON document; whatever a person should see goes to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app.cli_values import FAILED, OK, USAGE, UsageError, Wiring
from app.errors import MetronomeError, UserAction

if TYPE_CHECKING:
    from app.cli_session import CommandSession

FEED_ACTIONS = ("list", "import", "export", "add", "remove", "enable", "disable")
IDEA_ACTIONS = ("list", "approve", "reject", "edit", "export", "verify", "replay")
IDEA_STATES = ("pending", "approved", "rejected", "expired")
STRATEGY_ACTIONS = ("list", "check", "preview")

EPILOG = """\
Every command also takes --home, --set, --terminal and --json, before or after its name. Examples:
  python main.py run evaluate_single_symbol symbol=EURUSD --json
  python main.py tasks --set market.watch_list=EURUSD,XAUUSD
  python main.py settings set ui.theme dark
Exit codes: 0 succeeded, 1 failed, timed out or cancelled, 2 wrong usage, 3 skipped.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in the same form as every other error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"{message[:1].upper()}{message[1:]}.", advice="python main.py --help shows what can be asked."
        )


def main(arguments: Sequence[str], wiring: Wiring) -> int:
    """Do what the command line asks and return the exit code."""
    as_json = "--json" in arguments
    opened: list[CommandSession] = []
    try:
        common, options = parse(arguments)
        code = dispatch(common, options, wiring, opened)
    except UsageError as error:
        code = refuse(error, USAGE, as_json=as_json)
    except MetronomeError as error:
        code = refuse(error, FAILED, as_json=as_json)
    except KeyboardInterrupt:
        code = refuse(UserAction("Stopped."), FAILED, as_json=as_json)
    except BrokenPipeError:
        # The reader of our output went away (``| head``): nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    if any(session.left_behind for session in opened):
        # A run that ignored every request to stop still holds a thread, and an ordinary exit would wait for it.
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
    return code


def refuse(error: MetronomeError, code: int, *, as_json: bool) -> int:
    """Tell the user why not, on stderr, and the caller of ``--json`` on stdout too."""
    from app.cli_text import say, write_json

    say(str(error))
    if as_json:
        write_json({"error": error.message, "advice": error.advice})
    return code


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, argparse.Namespace]:
    """The options that hold everywhere, and the command with its own.

    Raises:
        UsageError: wrong usage.
    """
    everywhere = Parser(add_help=False, allow_abbrev=False)
    group = everywhere.add_argument_group("options everywhere")
    group.add_argument("--home", metavar="DIR", help="the folder that holds data/ and logs/")
    group.add_argument(
        "--set",
        metavar="KEY=VALUE",
        dest="overrides",
        action="append",
        default=[],
        help="a setting for this process only; repeatable",
    )
    group.add_argument("--terminal", choices=("simulated", "metatrader5"), help="which terminal to talk to")
    group.add_argument("--json", action="store_true", help="one JSON document on stdout")
    common, rest = everywhere.parse_known_args(list(arguments))
    return common, command_parser(everywhere).parse_args(rest)


def command_parser(everywhere: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = Parser(
        prog="main.py",
        description="Metronome keeps the background work of a MetaTrader 5 trader on time. "
        "Without a command the window opens.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[everywhere],
        allow_abbrev=False,
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--minimized", action="store_true", help="begin in the tray")
    way.add_argument("--headless", action="store_true", help="no window, until Ctrl+C or SIGTERM")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    commands.add_parser("tasks", help="all tasks with their schedule and last run")
    run = commands.add_parser("run", help="run a task now and print the run")
    run.add_argument("task", metavar="TASK")
    run.add_argument("params", nargs="*", metavar="name=value")
    bring = commands.add_parser("import", help="import exports, reports and tester settings")
    bring.add_argument("files", metavar="FILE", nargs="+", type=Path)
    bring.add_argument("--time-zone", metavar="ZONE", default="", help="clock of the times in the files")
    bring.add_argument("--symbol", metavar="SYMBOL", default="", help="symbol of the files")
    bring.add_argument("--timeframe", metavar="TF", default="", help="timeframe of the bars, for example M5")
    bring.add_argument("--point", metavar="SIZE", default="", help="prices are in points of this size")
    bring.add_argument("--replace", action="store_true", help="a history of another market is moved aside")
    runs = commands.add_parser("runs", help="past and present runs, newest first")
    runs.add_argument("--task", metavar="TASK", default="")
    runs.add_argument("--state", metavar="STATE", default="")
    runs.add_argument("--limit", metavar="N", type=int, default=50)
    settings = commands.add_parser("settings", help="show or change settings")
    settings_commands = settings.add_subparsers(dest="action", metavar="get KEY | set KEY VALUE")
    get = settings_commands.add_parser("get", help="show one setting")
    get.add_argument("key", metavar="KEY")
    put = settings_commands.add_parser("set", help="change one setting")
    put.add_argument("key", metavar="KEY")
    put.add_argument("value", metavar="VALUE")
    feeds = commands.add_parser("feeds", help="show or change the list of news feeds")
    feeds.add_argument("action", nargs="?", choices=FEED_ACTIONS, default="list", metavar="|".join(FEED_ACTIONS))
    feeds.add_argument("values", nargs="*", metavar="FILE | URL [TITLE] | FEED")
    ideas = commands.add_parser("ideas", help="list trade ideas, decide on them, prove that none was touched")
    ideas.add_argument("action", nargs="?", choices=IDEA_ACTIONS, default="list", metavar="|".join(IDEA_ACTIONS))
    ideas.add_argument("values", nargs="*", metavar="ID | ID entry=PRICE ... | FILE.csv")
    ideas.add_argument("--status", choices=IDEA_STATES, default="", metavar="|".join(IDEA_STATES))
    ideas.add_argument("--reason", metavar="TEXT", default="")
    rules = commands.add_parser("strategies", help="list strategies, check a file, see what would come of one now")
    rules.add_argument(
        "action", nargs="?", choices=STRATEGY_ACTIONS, default="list", metavar="|".join(STRATEGY_ACTIONS)
    )
    rules.add_argument("values", nargs="*", metavar="FILE | ID")
    symbols = commands.add_parser("symbols", help="what the broker calls the symbols of the watch list")
    symbols_commands = symbols.add_subparsers(dest="action", metavar="confirm SYMBOL NAME | forget SYMBOL")
    confirm = symbols_commands.add_parser("confirm", help="settle which symbol of the broker is meant")
    confirm.add_argument("symbol", metavar="SYMBOL")
    confirm.add_argument("name", metavar="NAME")
    forget = symbols_commands.add_parser("forget", help="take a confirmation back")
    forget.add_argument("symbol", metavar="SYMBOL")
    terminal = commands.add_parser("terminal", help="keep or forget the password of the terminal's account")
    terminal.add_argument("action", choices=("password", "forget"), metavar="password | forget")
    bundle = commands.add_parser("bundle", help="make a support bundle, or show what is in one")
    bundle.add_argument("file", nargs="?", metavar="FILE.zip", type=Path, help="the bundle to show")
    bundle.add_argument("--make", metavar="FILE.zip", type=Path, help="where to make one; else in data/support")
    commands.add_parser("self-test", help="check that this installation works")
    picture = commands.add_parser("screenshot", help="save a picture of a page of the window")
    picture.add_argument("page", metavar="PAGE")
    picture.add_argument("file", metavar="FILE.png", type=Path)
    picture.add_argument("--theme", choices=("light", "dark"), default="dark")
    picture.add_argument("--size", metavar="WxH", type=size, default=(1280, 800))
    picture.add_argument("--scale", type=scale, default=1.0)
    return parser


def size(text: str) -> tuple[int, int]:
    """A size such as ``1280x800`` in pixels."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 200 <= int(width) <= 8000 and 200 <= int(height) <= 8000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x800 (200 to 8000 pixels)")
    return int(width), int(height)


def scale(text: str) -> float:
    """A factor such as ``1.5``."""
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0.5 <= factor <= 4:
        raise argparse.ArgumentTypeError(f"{text!r} is not a factor between 0.5 and 4")
    return factor


def overrides_of(common: argparse.Namespace) -> Mapping[str, str]:
    """The settings for this process only.

    Raises:
        UsageError: one is not of the form ``KEY=VALUE``.
    """
    overrides = pairs(common.overrides, "--set KEY=VALUE")
    if common.terminal:
        overrides["terminal.kind"] = common.terminal
    return overrides


def pairs(texts: Sequence[str], form: str) -> dict[str, str]:
    """``name=value`` texts as a mapping.

    Raises:
        UsageError: one has no name or no ``=``, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{text!r} is not of the form {form}.", advice="Write the name, =, and the value.")
        if name.strip() in found:
            raise UsageError(f"{name.strip()} is given twice.", advice="Give each name once.")
        found[name.strip()] = value
    return found


def dispatch(
    common: argparse.Namespace, options: argparse.Namespace, wiring: Wiring, opened: list[CommandSession]
) -> int:
    """Hand the command to the function that does it; ``opened`` takes the session that it works with."""
    from app import cli_commands, cli_strategies
    from app.cli_session import CommandSession
    from app.interpreter import share_one_heap, spare_reading_sources

    share_one_heap()
    if options.command != "settings":  # all others load Qt
        spare_reading_sources()
    overrides = overrides_of(common)
    opens_window = options.command is None and not options.headless
    session = CommandSession.open(common.home, overrides, wiring.registry, as_json=common.json, window=opens_window)
    opened.append(session)
    command: str | None = options.command
    if command is not None and (options.headless or options.minimized):
        raise UsageError(f"--headless and --minimized do not go with {command}.")
    commands: dict[str | None, Callable[[], int]] = {
        None: lambda: cli_commands.window(session, wiring.window, minimized=options.minimized),
        "tasks": lambda: cli_commands.tasks(session),
        "run": lambda: cli_commands.run(session, options.task, pairs(options.params, "name=value")),
        "import": lambda: cli_commands.import_files(session, vars(options)),
        "runs": lambda: cli_commands.runs(session, options.task, options.state, options.limit),
        "settings": lambda: settings_command(session, options),
        "feeds": lambda: cli_commands.feeds(session, wiring.feeds, options.action, options.values),
        "ideas": lambda: ideas_command(session, wiring, options),
        "strategies": lambda: cli_strategies.strategies(session, wiring.strategies, options.action, options.values),
        "symbols": lambda: cli_commands.symbols(session, vars(options)),
        "terminal": lambda: terminal_command(session, options.action),
        "bundle": lambda: bundle_command(session, options),
        "self-test": lambda: self_test(session),
        "screenshot": lambda: cli_commands.screenshot(session, wiring.screenshot, vars(options)),
    }
    if options.headless:
        return cli_commands.headless(session)
    return commands[command]()


def settings_command(session: CommandSession, options: argparse.Namespace) -> int:
    """``settings``, ``settings get KEY`` or ``settings set KEY VALUE``."""
    from app import cli_commands

    if options.action == "set":
        return cli_commands.settings_set(session, options.key, options.value)
    return cli_commands.settings_show(session, options.key if options.action == "get" else None)


def ideas_command(session: CommandSession, wiring: Wiring, options: argparse.Namespace) -> int:
    """``ideas`` with its actions."""
    from app.cli_ideas import ideas

    return ideas(session, wiring.ideas, options.action, options.values, status=options.status, reason=options.reason)


def terminal_command(session: CommandSession, action: str) -> int:
    """``terminal password`` or ``terminal forget``."""
    from app import cli_terminal

    return cli_terminal.store_password(session) if action == "password" else cli_terminal.forget_password(session)


def bundle_command(session: CommandSession, options: argparse.Namespace) -> int:
    """``bundle``, ``bundle FILE.zip`` or ``bundle --make FILE.zip``."""
    from app.cli_bundle import bundle

    return bundle(session, options.file, options.make)


def self_test(session: CommandSession) -> int:
    """Check the installation."""
    from app import self_test as checks
    from app.cli_text import check_table, write_json

    found: list[dict[str, Any]] = checks.run(session)
    ok = all(check["ok"] for check in found)
    if session.as_json:
        write_json({"ok": ok, "checks": found})
    else:
        check_table(found)
    return OK if ok else FAILED
