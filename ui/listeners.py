"""Who wants to know of something inside the GUI thread, called without a way through Qt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

from PySide6.QtCore import QObject
from shiboken6 import isValid

T = TypeVar("T")


class Listeners(Generic[T]):
    """As a signal, for what is told dozens of times a second.

    A signal gives the interpreter back when it is emitted and each receiver fetches it again: beside four busy lanes
    that takes 0.5 ms a receiver. Here the receivers are called one after the other. One that raises keeps none of the
    others from hearing; a method of an object that Qt has deleted is left out.

    Thread: the GUI thread's only.
    """

    def __init__(self) -> None:
        self._callbacks: list[Callable[[T], None]] = []

    def connect(self, callback: Callable[[T], None]) -> None:
        """Call ``callback`` with each later value."""
        self._callbacks.append(callback)

    def emit(self, value: T) -> None:
        """Tell all.

        Raises:
            Exception: what a receiver raised, after all were told.
        """
        self._callbacks = [callback for callback in self._callbacks if _is_there(callback)]
        with ExitStack() as told:
            for callback in reversed(self._callbacks):  # a stack: the last is called first
                told.callback(callback, value)


def _is_there(callback: Callable[[T], None]) -> bool:
    owner = getattr(callback, "__self__", None)
    return not isinstance(owner, QObject) or isValid(owner)
