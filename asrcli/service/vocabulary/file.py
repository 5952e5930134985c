"""`--vocab-file`: the lists in a file of JSON, so that they outlive the service.

{"accounts": {"<account>": [{"id", "target_model", "vocabulary", "created", "modified", "updated"}, …]}}
"""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from asrcli.service.vocabulary.lists import WordList, WordLists
from asrcli.values.errors import UsageError

_log = logging.getLogger(__name__)


def kept_in(path: Path | None) -> WordLists:
    """Lists that are written to `path` whenever they change, beginning with those in it; None keeps them nowhere.

    Raises UsageError for a file that cannot be read or written, or holds something else.
    """
    lists = WordLists()
    if path is None:
        return lists
    try:
        lists.accounts = _read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"--vocab-file {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"--vocab-file {path} holds no hotword lists", hint="name another file, or none") from error
    try:
        _write(path, lists)
    except OSError as error:
        raise UsageError(f"--vocab-file {path} cannot be written: {error.strerror}") from error
    lists.changed = lambda: _keep(path, lists)
    return lists


def _keep(path: Path, lists: WordLists) -> None:
    try:
        _write(path, lists)
    except OSError as error:
        _log.warning("the hotword lists could not be kept in %s: %s", path, error.strerror)


def _write(path: Path, lists: WordLists) -> None:
    """Beside it first: whoever reads it finds the old lists or the new ones."""
    accounts = {account: [_document(each) for each in its.values()] for account, its in lists.accounts.items()}
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps({"accounts": accounts}, ensure_ascii=False, indent=1) + "\n"
    # What no UTF-8 can hold is an escape of JSON then.
    beside.write_text(text, encoding="utf-8", errors="backslashreplace")
    beside.replace(path)


def _document(word_list: WordList) -> dict[str, Any]:
    return {
        "id": word_list.id,
        "target_model": word_list.target_model,
        "vocabulary": word_list.words,
        "created": word_list.created.isoformat(),
        "modified": word_list.modified.isoformat(),
        "updated": word_list.updated and word_list.updated.isoformat(),
    }


def _read(document: Any) -> dict[str, dict[str, WordList]]:
    return {account: {row["id"]: _list(row) for row in rows} for account, rows in document["accounts"].items()}


def _list(row: dict[str, Any]) -> WordList:
    created, modified = (datetime.fromisoformat(row[key]) for key in ("created", "modified"))
    updated = datetime.fromisoformat(row["updated"]) if row["updated"] else None
    return WordList(row["id"], row["target_model"], list(row["vocabulary"]), created, modified, updated)
