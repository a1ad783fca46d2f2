"""The dialogs of a task: a form, its refusals in place, and two buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QDialog, QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.errors import MetronomeError
from app.runs import Trigger
from ui.engine_link import EngineLink
from ui.widgets.labels import button, label, row
from ui.widgets.parameter_form import ParameterForm
from ui.words import tr

if TYPE_CHECKING:
    from app.engine import Engine
    from app.tasks import TaskSpec

WIDTH = 500


class FormDialog(QDialog):
    """A title, a remark, some content, a line for refusals, and the buttons.

    Signals:
        succeeded: what was asked for was done.
    """

    succeeded = Signal()

    def __init__(self, title: str, remark: str, action: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(WIDTH)
        self._refusal = label("", wrap=True, selectable=True)
        self._refusal.hide()
        self.action: QPushButton = button(action, self.on_action, style="primary")
        self.action.setDefault(True)
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(20, 18, 20, 16)
        self._outer.setSpacing(10)
        self._outer.addWidget(label(title, "sectionTitle"))
        if remark:
            self._outer.addWidget(label(remark, "dim", wrap=True))

    @property
    def refusal(self) -> str:
        """Why it cannot be done; empty when nothing was refused."""
        return self._refusal.text()

    def finish(self, content: QWidget) -> None:
        """Lay out the content and the buttons under it."""
        self._outer.addWidget(content)
        self._outer.addWidget(self._refusal)
        self._outer.addStretch(1)
        self._outer.addSpacing(6)
        self._outer.addLayout(row(None, button(tr("Cancel"), self.reject), self.action))
        self._fit()
        QTimer.singleShot(0, self, self._fit)  # again when the style has reached the new widgets

    def refuse(self, message: str, advice: str = "") -> None:
        """Say in place why it cannot be done."""
        self._refusal.setText(f"{message} {advice}".strip())
        self._refusal.setAccessibleName(tr("Cannot be done: {why}").format(why=self._refusal.text()))
        self._refusal.setVisible(bool(message))
        self.action.setEnabled(True)

    def _fit(self) -> None:
        """As high as the wrapped texts need at this width; Qt's own guess is far too high."""
        self._outer.activate()
        self.resize(WIDTH, self._outer.totalHeightForWidth(WIDTH))

    def on_action(self) -> None:
        """The primary button was pressed."""
        raise NotImplementedError

    def on_done(self, _result: object) -> None:
        """It was done."""
        self.succeeded.emit()
        self.accept()

    def on_failed(self, error: MetronomeError) -> None:
        """It was refused."""
        self.refuse(error.message, error.advice)


class RunDialog(FormDialog):
    """Run a task with parameters."""

    def __init__(
        self, link: EngineLink, spec: TaskSpec, values: Mapping[str, Any] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(spec.title, spec.description, tr("Run now"), parent)
        self._link = link
        self._spec = spec
        self.form = ParameterForm(spec.params.model_json_schema(), values)
        self.finish(_scrolling(self.form))

    def on_action(self) -> None:
        try:
            values = self.form.values()
        except ValueError as error:
            self.refuse(str(error))
            return
        self.action.setEnabled(False)

        def submit(engine: Engine) -> object:
            return engine.runner.submit(self._spec.id, values, Trigger.MANUAL)

        self._link.query(self, submit, self.on_done, self.on_failed)


def _scrolling(content: QWidget) -> QWidget:
    """The content, with a scroll bar when it is taller than a small screen."""
    if content.layout().totalHeightForWidth(WIDTH - 40) <= 460:
        return content
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setMinimumHeight(460)
    return area
