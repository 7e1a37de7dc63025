"""`-v`: what the program does, on standard error, and a summary at the end.

| level | shown |
|---|---|
| 1 (`-v` alone) | each request, what is unusual about it, and the summary |
| 2 | also each document that the cache had or lacked |
| 6 | the same lines in kubectl's form; headers and bodies never, for they hold secrets |
"""

from __future__ import annotations

import logging
import os
import time

from .. import _log as log
from ..model.redact import one_line
from .output import MAX_MESSAGE, error_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_CACHE_LEVEL = 2
_KUBECTL_LEVEL = 6
_NOT_MODIFIED = 304


class Verbosity(logging.Handler):
    """Shows the package's log while a command runs: `with Verbosity(level):`."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._as_kubectl = level >= _KUBECTL_LEVEL
        self._started = time.monotonic()
        self._seen: set[str] = set()
        # The number of documents, by the file or folder that they were read from.
        self._documents: dict[str, int] = {}
        self._requests = self._unchanged = 0
        self._shown = logging.DEBUG if level >= _CACHE_LEVEL else logging.INFO
        # The logger's level, and whether it propagates, before `__enter__`.
        self._before = (logging.NOTSET, True)

    def __enter__(self) -> None:
        logger = logging.getLogger(log.LOGGER)
        self._before = logger.level, logger.propagate
        logger.addHandler(self)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        logger = logging.getLogger(log.LOGGER)
        logger.removeHandler(self)
        level, logger.propagate = self._before
        logger.setLevel(level)
        if kind is None:
            error_line(self._summary())

    def emit(self, record: logging.LogRecord) -> None:
        """Count what the record tells, and show it. A hit or a miss that was shown already is not shown again."""
        fields = vars(record)
        if "status" in fields:
            self._requests += 1
            self._unchanged += fields["status"] == _NOT_MODIFIED
        if "documents" in fields:
            self._documents[fields["place"]] = fields["documents"]
        # It contains URLs and names sent by the server.
        text = one_line(record.getMessage(), MAX_MESSAGE)
        if record.levelno < self._shown or (record.levelno == logging.DEBUG and text in self._seen):
            return
        self._seen.add(text)
        error_line(_as_kubectl(record, text) if self._as_kubectl else text)

    def _summary(self) -> str:
        # Documents that were also read one by one are in the index.
        folders = [place + os.sep for place, documents in self._documents.items() if documents > 1]
        documents = sum(count for place, count in self._documents.items() if not place.startswith((*folders,)))
        milliseconds = (time.monotonic() - self._started) * 1000
        unchanged = f" ({self._unchanged} answered 304: unchanged)" if self._unchanged else ""
        return (
            f"{_count(documents, 'document')} from the cache, {_count(self._requests, 'request')}{unchanged}, "
            f"{milliseconds:.0f} ms"
        )


def _as_kubectl(record: logging.LogRecord, text: str) -> str:
    """Return a line as kubectl's log (klog) has it: date, time, process, place in the source, message."""
    fields = vars(record)
    if "status" in fields:
        status = f"{fields['status']} {fields['reason']}".rstrip() if fields["status"] else ""
        milliseconds = int(fields["seconds"] * 1000)
        text = f'"Response" verb="GET" url="{one_line(fields["url"])}" status="{status}" milliseconds={milliseconds}'
    moment = time.strftime("%m%d %H:%M:%S", time.localtime(record.created))
    microseconds = int(record.created % 1 * 1_000_000)
    where = f"{record.filename}:{record.lineno}"
    return f"{record.levelname[:1].replace('D', 'I')}{moment}.{microseconds:06} {record.process:7} {where}] {text}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
