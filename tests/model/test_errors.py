"""Every exception of the package survives copying, pickling and process pools with all its fields."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import pickle
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cachediscovery
from cachediscovery import APIGroup, APIResource, APIResourceList, GroupVersion, GroupVersionResource
from cachediscovery._cancellation import WaitCancelledError
from cachediscovery.cli.flags import UsageError
from cachediscovery.cli.output import OutputError
from cachediscovery.model import errors
from cachediscovery.model.fields import MalformedDocument
from cachediscovery.openapi.explain.errors import ExplainError, NotInDocument
from cachediscovery.restmapper.explain_rules import NoResource
from cachediscovery.shared.engine import EngineUnavailable
from cachediscovery.testing.object_log import CompactedError
from cachediscovery.transport.credentials import PluginNeeded
from cachediscovery.transport.dialer import ConnectTimeoutError
from cachediscovery.transport.incomplete import CutShortError, TooLargeError

URL = "https://api.test/apis"
APPS, BATCH = GroupVersion("apps", "v1"), GroupVersion("batch", "v1")
PODS = APIResourceList("v1", (APIResource("pods", "pod", True, "Pod", ("get", "list")),))


def with_cause(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


NOT_FOUND = errors.NotFound(URL, "not there", 404, "NotFound", 1.5)
EXAMPLES: list[BaseException] = [
    errors.DiscoveryError("went wrong"),
    errors.InvalidGroupVersion("'a/b/c' is not a group version"),
    errors.InvalidManifest("no kind"),
    errors.ConfigError("no"),
    errors.ConfigChanged("another one"),
    errors.NoConfigError("none"),
    errors.InvalidOption("ttl must be 0 or more seconds, not -1"),
    errors.CredentialsError("expired"),
    with_cause(errors.RequestError(URL, "broken"), ConnectionResetError(104, "reset by peer")),
    errors.RequestTimeout(URL, "late"),
    errors.CertificateError(URL, "not trusted"),
    errors.InvalidDocument(URL, "not JSON"),
    errors.StatusError(URL, "slow down", 429, "TooManyRequests", 2.5),
    NOT_FOUND,
    errors.ClusterMismatchError("two"),
    errors.StaleGroupVersionError(APPS),
    errors.GroupVersionNotFoundError(APPS),
    errors.NoMatchError("nothing"),
    errors.NoResourceMatchError("no resource", lambda: ["pods"], URL),
    errors.NoKindMatchError("no kind"),
    errors.AmbiguousResourceError(
        "which one", (GroupVersionResource("a", "v1", "x"), GroupVersionResource("b", "", "x"))
    ),
    errors.GroupUnavailableError("perhaps", {APPS: errors.StaleGroupVersionError(APPS)}),
    with_cause(
        errors.GroupDiscoveryFailed(
            {APPS: errors.StaleGroupVersionError(APPS), BATCH: with_cause(NOT_FOUND, OSError(5, "input"))},  # type: ignore[dict-item]
            ([APIGroup("apps", ())], [PODS]),
        ),
        errors.RequestTimeout(URL, "late"),
    ),
    WaitCancelledError("closed"),
    CompactedError("too old"),
    PluginNeeded("expired"),
    UsageError("unknown flag: --x"),
    EngineUnavailable("no answer in time"),
    OutputError("standard output cannot be written"),
    MalformedDocument("not a list"),
    ConnectTimeoutError("late"),
    TooLargeError("large"),
    CutShortError("short"),
    ExplainError("deprecated", "printed before"),
    NotInDocument('field "x" does not exist'),
    NoResource("no such type"),
]
NAMES = [type(error).__name__ for error in EXAMPLES]


def exceptions_of_the_package() -> Iterator[type[BaseException]]:
    for module in pkgutil.walk_packages(cachediscovery.__path__, "cachediscovery."):
        # The oldest supported kubernetes has no kubernetes.aio, and kopf has an environment of its own.
        needed = {"kubernetes_aio": "kubernetes.aio", "kopf": "kopf"}.get(module.name.rpartition(".")[2])
        if module.name.endswith("__main__") or (needed and not importlib.util.find_spec(needed)):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == module.name:
                yield value


def described(value: Any) -> Any:
    """All that an exception carries, including its cause and nested exceptions."""
    if isinstance(value, BaseException):
        fields = {name: described(field) for name, field in vars(value).items()}
        return type(value), str(value), value.args, fields, described(value.__cause__)
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    return value


def test_there_is_an_example_of_every_exception() -> None:
    assert {type(error) for error in EXAMPLES} == set(exceptions_of_the_package())


@pytest.mark.parametrize("error", EXAMPLES, ids=NAMES)
def test_an_exception_survives_pickling_and_copying(error: BaseException) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert described(pickle.loads(pickle.dumps(error, protocol))) == described(error)
    # The same after a second round trip.
    assert described(pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(error))))) == described(error)
    assert described(copy.copy(error)) == described(copy.deepcopy(error)) == described(error)


@pytest.mark.parametrize("error", EXAMPLES, ids=NAMES)
def test_an_exception_with_an_unpicklable_cause_can_be_pickled(error: BaseException) -> None:
    if not isinstance(error, errors.DiscoveryError):
        return
    caused = with_cause(copy.deepcopy(error), LockedError(threading.Lock()))
    for again in (pickle.loads(pickle.dumps(caused)), copy.copy(caused), copy.deepcopy(caused)):
        assert described(again)[:4] == described(error)[:4]
    caused = with_cause(copy.deepcopy(error), ForgetfulError("a", 2))
    assert described(pickle.loads(pickle.dumps(caused)))[:4] == described(error)[:4]


class LockedError(Exception):
    """An exception of another package that cannot be pickled."""


class ForgetfulError(Exception):
    """An exception of another package that can be pickled but not unpickled."""

    def __init__(self, one: str, other: int) -> None:
        super().__init__(f"{one}{other}")


POOLS = """
import multiprocessing, pickle, sys
from concurrent.futures import ProcessPoolExecutor

def throw(error):
    raise error

def outcome(result):
    try:
        result()
    except BaseException as error:
        # The pool puts the other process's traceback there.
        error.__cause__ = None
        return error

if __name__ == "__main__":
    examples = pickle.load(open(sys.argv[1], "rb"))
    with ProcessPoolExecutor(1) as executor, multiprocessing.Pool(1) as pool:
        caught = [
            (
                outcome(lambda: executor.submit(throw, error).result(60)),
                outcome(lambda: pool.apply_async(throw, (error,)).get(60)),
            )
            for error in examples
        ]
    pickle.dump(caught, open(sys.argv[1], "wb"))
"""


def test_exceptions_pass_through_process_pools(tmp_path: Path) -> None:
    script, file = tmp_path / "pools.py", tmp_path / "errors"
    script.write_text(POOLS)
    file.write_bytes(pickle.dumps(EXAMPLES))
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", script, file], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    for error, caught in zip(EXAMPLES, pickle.loads(file.read_bytes()), strict=True):
        for again in caught:
            assert described(again)[:4] == described(error)[:4]


@pytest.mark.parametrize(
    ("nearest", "server", "text"),
    [
        ([], "", "no pod"),
        (["pods"], "", "no pod (did you mean pods?)"),
        ([], "https://h", "no pod (the server is https://h)"),
        (["pods", "nodes"], "https://h", "no pod (did you mean pods, nodes? The server is https://h)"),
    ],
)
def test_no_match_says_what_is_known(nearest: list[str], server: str, text: str) -> None:
    assert str(errors.NoMatchError("no pod", lambda: nearest, server)) == text
