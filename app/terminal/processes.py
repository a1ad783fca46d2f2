"""Is a MetaTrader terminal running on this computer?"""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

# terminal.exe is MetaTrader 4, which the module cannot talk to: MetaTrader 5 has had no 32-bit terminal since 2021.
_PROGRAM = "terminal64.exe"


def terminal_running(program: str = "") -> bool:
    """Whether a terminal of MetaTrader 5 runs; with ``program``, whether that very file does.

    Costs milliseconds, whereas asking the module without a terminal can hold the whole process for a minute.
    """
    import psutil  # 10 ms and 3 MB that only the genuine terminal needs

    wanted = Path(program) if program else None
    for process in psutil.process_iter(["name", "exe"]):
        name = (process.info["name"] or "").casefold()
        if wanted is None:
            if name == _PROGRAM:
                return True
            continue
        executable = process.info["exe"]
        if executable and PureWindowsPath(executable) == PureWindowsPath(wanted):
            return True
        # Without the right to see its path, the name has to do.
        if not executable and name == wanted.name.casefold():
            return True
    return False
