"""A form made from the JSON schema of a parameter model. Adding a task needs nothing here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from ui.widgets.choice import Choice, Tick
from ui.widgets.labels import label
from ui.words import tr

INT_LIMIT = 2**31 - 1


class _Field(Protocol):
    """One input: its widget, and its value (None when it was left empty)."""

    @property
    def widget(self) -> QWidget: ...

    def value(self) -> Any: ...


class _Text:
    def __init__(self, schema: Mapping[str, Any], value: Any) -> None:
        self.widget = QLineEdit("" if value is None else str(value))
        if schema.get("maxLength"):
            self.widget.setMaxLength(int(schema["maxLength"]))
        examples = schema.get("examples") or ()
        hints = {"date-time": "2025-06-03T12:00:00Z", "date": "2025-06-03"}
        self.widget.setPlaceholderText(str(examples[0]) if examples else hints.get(schema.get("format", ""), ""))

    def value(self) -> Any:
        return self.widget.text().strip() or None


class _Whole:
    def __init__(self, schema: Mapping[str, Any], value: Any) -> None:
        self.widget = QSpinBox()
        low = schema.get("minimum", schema.get("exclusiveMinimum", -INT_LIMIT - 1) + ("exclusiveMinimum" in schema))
        high = schema.get("maximum", schema.get("exclusiveMaximum", INT_LIMIT) - ("exclusiveMaximum" in schema))
        self.widget.setRange(max(int(low), -INT_LIMIT - 1), min(int(high), INT_LIMIT))
        self.widget.setGroupSeparatorShown(True)
        self.widget.setValue(int(value or 0))
        self.widget.lineEdit().setTextMargins(7, 0, 0, 0)

    def value(self) -> Any:
        return self.widget.value()


class _Number:
    def __init__(self, schema: Mapping[str, Any], value: Any) -> None:
        self.widget = QDoubleSpinBox()
        self.widget.setDecimals(max(2, len(f"{float(value or 0):.8f}".rstrip("0").partition(".")[2])))
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1e12))
        self.widget.setRange(float(low), float(schema.get("maximum", schema.get("exclusiveMaximum", 1e12))))
        self.widget.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.widget.setValue(float(value or 0))
        self.widget.lineEdit().setTextMargins(7, 0, 0, 0)

    def value(self) -> Any:
        return self.widget.value()


class _Switch:
    def __init__(self, title: str, value: Any) -> None:
        self.widget = Tick(title)
        self.widget.setChecked(bool(value))

    def value(self) -> Any:
        return self.widget.isChecked()


class _Choice:
    def __init__(self, options: list[Any], value: Any) -> None:
        self._options = options
        self.widget = Choice("")
        self.widget.addItems([tr("any") if option is None else str(option) for option in options])
        if value in options:
            self.widget.setCurrentIndex(options.index(value))

    def value(self) -> Any:
        return self._options[self.widget.currentIndex()]


class _List:
    """Several values in one line, separated by commas."""

    def __init__(self, schema: Mapping[str, Any], value: Any) -> None:
        kind = schema.get("items", {}).get("type", "string")
        self._convert = {"integer": int, "number": float}.get(kind, str)
        self.widget = QLineEdit(", ".join(str(item) for item in value or ()))
        self.widget.setCursorPosition(0)
        self.widget.setPlaceholderText(tr("several, separated by commas"))

    def value(self) -> Any:
        parts = [part.strip() for part in self.widget.text().replace(";", ",").split(",")]
        return [self._convert(part) for part in parts if part]


class _Json:
    """Anything without an input of its own, as JSON."""

    def __init__(self, value: Any) -> None:
        self.widget = QLineEdit("" if value is None else json.dumps(value, ensure_ascii=False))
        self.widget.setPlaceholderText(tr('JSON, for example {"EURUSD": 1}'))

    def value(self) -> Any:
        text = self.widget.text().strip()
        return json.loads(text) if text else None


class ParameterForm(QWidget):
    """Inputs with title, description and bounds for every property of an object schema.

    Signals:
        edited: some input changed.
    """

    edited = Signal()

    def __init__(
        self, schema: Mapping[str, Any], values: Mapping[str, Any] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._fields: dict[str, _Field] = {}
        self._optional: set[str] = set()
        definitions = schema.get("$defs", {})
        required = set(schema.get("required", ()))
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(4)
        layout.setHorizontalSpacing(16)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, raw in schema.get("properties", {}).items():
            plain, nullable = _plain(raw, definitions)
            if nullable or name not in required:
                self._optional.add(name)
            start = (values or {}).get(name, raw.get("default"))
            title = str(raw.get("title") or name.replace("_", " ").capitalize())
            field = _field(plain, start, title, nullable=nullable)
            self._fields[name] = field
            field.widget.setObjectName(f"parameter_{name}")
            field.widget.setAccessibleName(title)
            description = str(raw.get("description") or plain.get("description") or "")
            field.widget.setAccessibleDescription(description)
            field.widget.setToolTip(description)
            caption = label("" if isinstance(field, _Switch) else title)
            caption.setBuddy(field.widget)
            layout.addRow(caption, field.widget)
            if description:
                layout.addRow(label(""), label(description, "small", wrap=True))
            self._watch(field.widget)

    def values(self) -> dict[str, Any]:
        """What was entered; empty optional inputs are left out.

        Raises:
            ValueError: an input cannot be read as what it should be; the message names it.
        """
        found = {}
        for name, field in self._fields.items():
            try:
                value = field.value()
            except ValueError as error:
                msg = tr("{name} cannot be read: {why}").format(name=field.widget.accessibleName(), why=error)
                raise ValueError(msg) from error
            if value is None and name in self._optional:
                continue
            found[name] = value
        return found

    def _watch(self, widget: QWidget) -> None:
        if isinstance(widget, QLineEdit):
            widget.textChanged.connect(self.edited)
        elif isinstance(widget, QSpinBox | QDoubleSpinBox):
            widget.valueChanged.connect(self.edited)
        elif isinstance(widget, QComboBox):
            widget.currentIndexChanged.connect(self.edited)
        elif isinstance(widget, QCheckBox):
            widget.toggled.connect(self.edited)


def _plain(raw: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """The schema without references and without the alternative null, and whether null was one."""
    if "$ref" in raw:
        return _plain(definitions[str(raw["$ref"]).rsplit("/", 1)[-1]], definitions)
    alternatives = raw.get("anyOf")
    if not alternatives:
        return raw, False
    rest = [option for option in alternatives if option.get("type") != "null"]
    nullable = len(rest) < len(alternatives)
    return (_plain(rest[0], definitions)[0], nullable) if len(rest) == 1 else ({}, nullable)


def _field(schema: Mapping[str, Any], value: Any, title: str, *, nullable: bool) -> _Field:
    kind = schema.get("type")
    if "enum" in schema:
        return _Choice([*([None] if nullable else []), *schema["enum"]], value)
    if kind == "boolean":
        return _Switch(title, value)
    if kind == "array" and schema.get("items", {}).get("type", "string") in ("string", "integer", "number"):
        return _List(schema, value)
    if kind in ("integer", "number"):
        if nullable:  # an empty line says "not given", which a spin box cannot
            return _Optional(int if kind == "integer" else float, value)
        return _Whole(schema, value) if kind == "integer" else _Number(schema, value)
    return _Text(schema, value) if kind == "string" else _Json(value)


class _Optional:
    """A number that may be left out."""

    def __init__(self, convert: type[int] | type[float], value: Any) -> None:
        self._convert = convert
        self.widget = QLineEdit("" if value is None else str(value))

    def value(self) -> Any:
        text = self.widget.text().strip()
        return self._convert(text) if text else None
