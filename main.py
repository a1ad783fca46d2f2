"""Metronome: wires the engine, the tasks and the window together and starts them.

Syntax and imports at the top of this file stay old on purpose: Python 2.7 or 3.6 must get far enough to say what
is missing. It is imported again by every spawned worker process, so importing it does nothing.
"""

import os
import sys

OLDEST = (3, 11)
NEWEST = (3, 14)
ROOT = os.path.dirname(os.path.abspath(__file__))


def require_python():
    """Leave with a clear message when this Python is too old or too new."""
    version = sys.version_info[:2]
    if OLDEST <= version <= NEWEST:
        return
    import shutil

    names = ["python3." + str(minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    found = [name for name in names if hasattr(shutil, "which") and shutil.which(name)]
    command = " ".join([found[0] if found else ("py -3.12" if os.name == "nt" else "python3.12")] + sys.argv[:1])
    sys.stderr.write(
        "Metronome needs Python 3.11 to 3.14. This is Python "
        + ".".join(str(part) for part in sys.version_info[:3])
        + " (" + str(sys.executable) + ").\n"
        + ("" if found else "Install a newer one from python.org or with your package manager. ")
        + "Start with: " + command + "\n"
    )  # fmt: skip
    sys.exit(1)


def prepare(extra=""):
    """Go on in a Python that has the packages; installs them when there is none yet."""
    require_python()
    from app import bootstrap
    from app.errors import MetronomeError

    try:
        bootstrap.prepare(ROOT, extra)
    except KeyboardInterrupt:
        bootstrap.show_error("Stopped before the packages were complete. The same command goes on from here.")
        sys.exit(1)
    except MetronomeError as error:
        bootstrap.show_error(str(error))
        sys.exit(1)


def load_registry():
    """All tasks."""
    from workers import registry

    return registry()


def open_window(start):
    """Show the window until it is closed; returns the exit code."""
    from ui.application import run_window

    return run_window(start)


def screenshot(start):
    """Save a picture of a page; returns the exit code."""
    from ui.application import save_screenshot

    return save_screenshot(start)


def feeds(paths, action, values):
    """Show or change the list of news feeds; returns what to print."""
    from workers.news.command import feeds

    return feeds(paths, action, values)


def ideas(paths, action, values, options):
    """List trade ideas, decide on them, make one again or check all; returns what to print."""
    from workers.strategy.command import ideas

    return ideas(paths, action, values, options)


def strategies(paths, action, values):
    """List strategies or check a file; returns what to print."""
    from workers.strategy.rule_command import strategies

    return strategies(paths, action, values)


def main():
    """Start Metronome and return its exit code."""
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
    prepare()
    from app import bootstrap

    try:
        from app import cli
        from app.cli_values import Wiring

        wiring = Wiring(
            registry=load_registry,
            window=open_window,
            screenshot=screenshot,
            feeds=feeds,
            ideas=ideas,
            strategies=strategies,
        )
        return cli.main(sys.argv[1:], wiring)
    except ImportError as error:
        explanation = bootstrap.explain_missing_library(error)
        if not explanation:
            raise
        bootstrap.show_error(explanation)
        return 1


if __name__ == "__main__":
    sys.exit(main())
