"""The dialogs of a task and of settings: a form, its refusals in place, and two buttons."""

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


class SettingsDialog(FormDialog):
    """A few settings, with the titles, descriptions and bounds that they have in the settings file."""

    def __init__(
        self, link: EngineLink, title: str, remark: str, keys: tuple[str, ...], parent: QWidget | None
    ) -> None:
        super().__init__(title, remark, tr("Save"), parent)
        self._link = link
        self._keys = keys
        self._before: dict[str, Any] = {}
        self.form: ParameterForm | None = None
        self._link.query(self, lambda engine: tuple(engine.settings.describe()), self._on_options)

    def _on_options(self, options: tuple[Any, ...]) -> None:
        chosen = [option for key in self._keys for option in options if option.key == key]
        properties = {option.key: _schema_of(option) for option in chosen}
        self._before = {option.key: option.value for option in chosen}
        self.form = ParameterForm(
            {"properties": properties}, {key: _as_plain(value) for key, value in self._before.items()}
        )
        self.finish(_scrolling(self.form))

    def on_action(self) -> None:
        if self.form is None:
            return
        try:
            values = self.form.values()
        except ValueError as error:
            self.refuse(str(error))
            return
        changed = {key: value for key, value in values.items() if value != _as_plain(self._before.get(key))}

        def save(engine: Engine) -> None:
            for key, value in changed.items():
                engine.settings.set(key, value)

        self._link.query(self, save, self.on_done, self.on_failed)


def _schema_of(option: Any) -> dict[str, Any]:
    """A described setting as the piece of JSON schema that the form reads."""
    schema: dict[str, Any] = {
        "title": option.title,
        "description": option.description,
        "default": _as_plain(option.default),
    }
    if option.restart_needed:
        schema["description"] = f"{option.description} {tr('Takes effect at the next start.')}".strip()
    if option.choices and option.type != "list":
        schema["enum"] = [str(choice) for choice in option.choices]
        return schema
    kinds = {"bool": "boolean", "int": "integer", "float": "number", "list": "array", "mapping": "object"}
    schema["type"] = kinds.get(option.type, "string")
    if option.optional and schema["type"] in ("integer", "number"):
        return {**schema, "anyOf": [{"type": schema.pop("type")}, {"type": "null"}]}
    if schema["type"] in ("integer", "number"):
        low, high = option.bounds
        schema.update({name: limit for name, limit in (("minimum", low), ("maximum", high)) if limit is not None})
    return schema


def _as_plain(value: Any) -> Any:
    if isinstance(value, tuple | frozenset | set):
        return list(value)
    return value


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
