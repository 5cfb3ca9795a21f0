"""The index of words that runs are searched by: a full-text table on SQLite, an index on the words on PostgreSQL."""

from __future__ import annotations

from typing import Any

WORDS_TABLE = "allegro_queue_runwords"
"""SQLite's full-text table over ``Run.words``, by the run's id."""

LONGEST_BEGINNING = 8
"""Letters by which SQLite's table finds the beginning of a word without reading all words that begin so. Each length has an
index of its own; of a longer word the rest is compared run by run."""

BEGINNINGS = " ".join(str(length) for length in range(2, LONGEST_BEGINNING + 1))

CREATE = {
    "sqlite": (
        f"CREATE VIRTUAL TABLE {WORDS_TABLE} USING fts5("
        f"words, content='allegro_queue_run', content_rowid='id', tokenize='unicode61', detail='none', prefix='{BEGINNINGS}')"
    ),
    # What has not been sorted in yet is looked through by every search: keep it short.
    "postgresql": (
        "CREATE INDEX horizon_run_words ON allegro_queue_run USING gin (to_tsvector('simple', words)) "
        "WITH (gin_pending_list_limit = 128)"
    ),
}
FILL = f"INSERT INTO {WORDS_TABLE} ({WORDS_TABLE}) VALUES ('rebuild')"  # noqa: S608 - constants of this file
DROP = {"sqlite": f"DROP TABLE {WORDS_TABLE}", "postgresql": "DROP INDEX horizon_run_words"}


def create(apps: Any, schema_editor: Any) -> None:
    """Make it (a migration's step). Other databases have none."""
    run(CREATE, schema_editor)


def create_anew(apps: Any, schema_editor: Any) -> None:
    """SQLite's table as it is made now, filled from the runs; on PostgreSQL nothing has changed."""
    if schema_editor.connection.vendor == "sqlite":
        drop(apps, schema_editor)
        create(apps, schema_editor)
        schema_editor.execute(FILL)


def drop(apps: Any, schema_editor: Any) -> None:
    run(DROP, schema_editor)


def run(statements: dict[str, str], schema_editor: Any) -> None:
    statement = statements.get(schema_editor.connection.vendor)
    if statement:
        schema_editor.execute(statement)
