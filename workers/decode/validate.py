"""From what was read to an event: absent objects, checks in the order of the tables, structs (section 3.1)."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.reading import Values
from tidegate.workers.decode.refusal import Refused
from tidegate.workers.decode.rules import Field, Form, Table


def settle(table: Table, values: Values) -> None:
    """Takes out every object in which nothing is set, innermost first, and empty maps and lists."""
    for field in table.nested:
        value = values.get(field.name)
        if value:
            assert field.table is not None  # noqa: S101 - declared with each nested form
            if field.form is Form.OBJECT:
                settle(field.table, value)
            else:
                for item in value.values() if field.form is Form.OBJECT_MAP else value:
                    settle(field.table, item)
    for name in [name for name, value in values.items() if value in ({}, [])]:
        if not table.by_name[name].set_when_empty:
            del values[name]


def validate(table: Table, values: Values, path: str) -> None:
    """The first violation in table order, depth first. `path`: keys from the root joined by `: `. Raises Refused."""
    if table.one_of and not any(table.by_key[key].name in values for key in table.one_of):
        raise _violation(path, f"requires at least one of the fields '{';'.join(table.one_of)}'")
    for field in table.fields:
        value = values.get(field.name)
        if value is not None:
            if field.form is not Form.LEAF:
                _validate_nested(field, value, path)
            for check in field.checks:
                complaint = check(value)
                if complaint:
                    raise _violation(_group_path(path, field), f"'{field.key}': {complaint}")
        elif field.required:
            raise _violation(_group_path(path, field), f"'{field.key}' required")
        else:
            for other in field.required_with:
                if table.by_key[other].name in values:
                    raise _violation(path, f"'{field.key}' required when '{other}' is set")


def _validate_nested(field: Field, value: Any, path: str) -> None:
    assert field.table is not None  # noqa: S101 - declared with each nested form
    below = f"{path}: {field.key}"
    if field.form is Form.OBJECT:
        validate(field.table, value, below)
        return
    for item in value.values() if field.form is Form.OBJECT_MAP else value:
        if item:
            validate(field.table, item, below)
        elif field.form is Form.OBJECTS:
            raise Refused(f"validation error: {below} slice element required")


def _group_path(path: str, field: Field) -> str:
    return f"{path}: {field.group}" if field.group else path


def _violation(path: str, what: str) -> Refused:
    return Refused(f"validation error: {path}: {what}")


def build(table: Table, values: Values) -> Any:
    """The struct of values that passed."""
    made = values.copy()
    for field in table.nested:
        value = made.get(field.name)
        if value is None:
            continue
        assert field.table is not None  # noqa: S101 - declared with each nested form
        if field.form is Form.OBJECT:
            made[field.name] = build(field.table, value)
        elif field.form is Form.OBJECTS:
            made[field.name] = [build(field.table, item) for item in value]
        else:
            made[field.name] = {key: build(field.table, item) for key, item in value.items()}
    for name, finish in table.finishes.items():
        if name in made:
            made[name] = finish(made[name])
    return table.struct(**made)
