"""What the tasks do. This module is light; the tasks are imported when their registry is asked for."""

from __future__ import annotations

from app.tasks import Registry


def registry() -> Registry:
    """All tasks, in the order in which they are shown. Called when the engine starts, after the first paint."""
    from workers import ai_tasks, data_tasks, import_tasks, maintenance_tasks
    from workers.health.normal import Normal

    specs = (*ai_tasks.SPECS, *data_tasks.SPECS, *import_tasks.SPECS, *maintenance_tasks.SPECS)
    return Registry(specs, ai_tasks.QUESTIONS, expects=Normal)
