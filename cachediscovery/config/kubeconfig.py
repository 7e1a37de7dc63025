"""Reads and merges kubeconfig files.

| | kubectl | here |
|---|---|---|
| files | `--kubeconfig`, else `KUBECONFIG` (a list), else `~/.kube/config` | the same |
| merging | the whole entry of the first file that has the name; the first `current-context` | the same |
| relative paths | relative to their file | the same |
| missing files | skipped; an error for `--kubeconfig` | the same |
| migration from `~/.kube/.kubeconfig` | copied over once | not done |
| unknown fields | ignored | the same |
| several documents in a file, dates, `1:30` | the first document; strings | the same: see `yaml_reader.py` |
"""

from __future__ import annotations

import os

from ..model.errors import ConfigError
from ..model.fields import MalformedDocument, get_object, get_objects, get_str
from ..model.records import NamedTuple
from ..model.redact import one_line
from .locations import kubeconfig_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_MAX_BYTES = 64 << 20
_PATHS_OF_CLUSTER = ("certificate-authority",)
_PATHS_OF_USER = ("client-certificate", "client-key", "tokenFile")


class Kubeconfig(NamedTuple):
    """The merged files: the entries by name, as parsed from YAML, but with absolute paths."""

    paths: tuple[str, ...]
    current_context: str
    clusters: Mapping[str, Mapping[str, Any]]
    users: Mapping[str, Mapping[str, Any]]
    contexts: Mapping[str, Mapping[str, Any]]
    # The paths where files were looked for, existing or not.
    searched: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is configured."""
        return not (self.current_context or self.clusters or self.users or self.contexts)

    def where(self) -> str:
        """The files, in words, for a message."""
        if self.paths or not self.searched:
            return ", ".join(self.paths) or "any kubeconfig, for there is no home folder"
        return f"{', '.join(self.searched)} (no such file)"


def load_kubeconfig(explicit: str = "", environ: Mapping[str, str] | None = None) -> Kubeconfig:
    """Read and merge the kubeconfig files.

    `explicit` is the path of `--kubeconfig`: only it is read, and it must exist. Without any file the result is empty.
    Raises `ConfigError`.
    """
    read = []
    found = []
    for path in kubeconfig_paths(explicit, environ):
        try:
            read.append(_read(path))
            found.append(path)
        except FileNotFoundError as error:
            if explicit:
                raise ConfigError(f"kubeconfig {path} does not exist: check --kubeconfig") from error
    return Kubeconfig(
        paths=tuple(found),
        current_context=next((file.current_context for file in read if file.current_context), ""),
        clusters=_merged(file.clusters for file in read),
        users=_merged(file.users for file in read),
        contexts=_merged(file.contexts for file in read),
        searched=kubeconfig_paths(explicit, environ),
    )


def _merged(files: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    merged: dict[str, Mapping[str, Any]] = {}
    for entries in files:
        merged = {**entries, **merged}
    return merged


def _read(path: str) -> Kubeconfig:
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"kubeconfig {path} cannot be read: {reason}") from (
            error if isinstance(error, OSError) else None
        )
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"kubeconfig {path} is larger than {_MAX_BYTES >> 20} MiB: is it the right file?")
    try:
        return _parse(data, path)
    except MalformedDocument as error:
        raise ConfigError(f"kubeconfig {path} is not a valid kubeconfig: {one_line(error)}") from error


def _parse(data: bytes, path: str) -> Kubeconfig:
    from .yaml_reader import read_yaml

    parsed = read_yaml(data)
    if parsed is None:
        parsed = {}
    if not isinstance(parsed, dict):
        raise MalformedDocument("not a mapping")
    if get_str(parsed, "kind") not in ("", "Config"):
        raise MalformedDocument(f"kind is {get_str(parsed, 'kind')!r}, expected 'Config'")
    if get_str(parsed, "apiVersion") not in ("", "v1"):
        raise MalformedDocument(f"apiVersion is {get_str(parsed, 'apiVersion')!r}, expected 'v1'")
    folder = os.path.dirname(os.path.abspath(path))
    return Kubeconfig(
        paths=(path,),
        current_context=get_str(parsed, "current-context"),
        clusters=_named(parsed, "clusters", "cluster", folder, _PATHS_OF_CLUSTER),
        users=_named(parsed, "users", "user", folder, _PATHS_OF_USER),
        contexts=_named(parsed, "contexts", "context", folder, ()),
    )


def _named(
    parsed: Mapping[str, Any], plural: str, singular: str, folder: str, path_keys: Iterable[str]
) -> dict[str, Mapping[str, Any]]:
    """The entries of one list by name, with absolute paths."""
    entries: dict[str, Mapping[str, Any]] = {}
    for item in get_objects(parsed, plural):
        name = get_str(item, "name")
        if name in entries:
            raise MalformedDocument(f"duplicate name {name!r} in {plural!r}")
        entry = dict(get_object(item, singular))
        for key in path_keys:
            path = get_str(entry, key)
            if path:
                entry[key] = os.path.join(folder, path)
        if "exec" in entry:
            entry["exec"] = _with_command_path(get_object(entry, "exec"), folder)
        entries[name] = entry
    return entries


def _with_command_path(exec_entry: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Make the command absolute if it has a path separator: it is relative to the file. Others are found in PATH."""
    command = get_str(exec_entry, "command")
    if os.path.dirname(command):
        command = os.path.join(folder, command)
    return {**exec_entry, "command": command}
