"""Kubeconfigs are read as kubectl reads them: the same values, and errors for the same files."""

from __future__ import annotations

import importlib.util
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from cachediscovery.config import yaml_reader
from cachediscovery.config.yaml_reader import read_yaml
from cachediscovery.model.fields import MalformedDocument, get_object, get_objects, get_str
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran

Run = Callable[..., Ran]

SCALARS = """\
2024-01-01|2001-12-14t21:59:43.10-05:00|2024-01-01 10:00:00|2024-1-1|2024-13-45|1:30|190:20:30|1:30.5
12|0x1F|-0x1f|010|08|0o17|0b101|-0b1|1_000|1__0|_1|0x|1e3|12e3|1.5e+3|1.5|.5|5.|0.|1_0.5|+5|-5|--1|1e|e1|1e400
12345678901234567890123|0777777777777777777777777|0xffffffffffffffffffff|9223372036854775808|-9223372036854775809
y|Y|n|N|yes|Yes|YES|yEs|no|on|Off|true|True|TRUE|tRue|~|null|Null|NULL|nULL|""|'12'|"12"|''
!!str 12|!!int "12"|!!int 1_0|!!int '0o7'|!!float 1|!!bool yes|!!bool "y"|!!null ~|!!binary aGVsbG8=
!!timestamp 2024-01-01|!foo bar|!foo 12|!!python/none x|<<|=|[a, 1:30]|{1: b}
!!set {a}|!!omap [a: 1]|!!str [a]|!!map [a]"""
WRONG = """\
!!int x|!!float x|!!bool maybe|!!null x|!!binary "*"|!!timestamp x|a: b|@|%|*a|"\\ud800"|{~: a}|{[a]: b}"""
DOCUMENTS = [
    "current-context: a\n---\ncurrent-context: b\n",
    "current-context: a\n---\n{ [ broken\n",
    "current-context: a\n---\n@",
    "current-context: a\n...\n%YAML 9.9\n",
    "---\n---\ncurrent-context: b\n",
    "# nothing\n---\ncurrent-context: b\n",
    "--- \n...\ncurrent-context: b\n",
    "",
    "# nothing",
    "~",
    "[]",
    "{",
    "12",
    "\ufeffcurrent-context: b\n",
    '{"current-context": "a"}\n{"current-context": "b"}',
    '{"current-context":\t"a",\n\t"users": []}',
    "users: [{name: 2024-01-01, user: {token: 1:30}}]\ncontexts: [{name: 1:30, context: {namespace: 12:30:45}}]",
    "users: [{name: u, user: {as: j, as-user-extra: {1: [a], 0x10: [b], 1_0: [c], -3: [d], 1.5: [e], .5: [f]}}}]",
    "users: [{name: u, user: {as: j, as-user-extra: {1e6: [a], 1e20: [b], .inf: [c], -.inf: [d], .nan: [e]}}}]",
    "users: [{name: u, user: {as: j, as-user-extra: {yes: [a], off: [b], 2024-01-01: [c], 1:30: [d]}}}]",
    "users: [{name: u, user: {as: j, as-user-extra: {~: [a]}}}]",
    "users: [{name: u, user: {token: a, token: b}}]",
    "x: &x {token: a}\nz: &z {password: c, token: d}\nusers: [{name: u, user: {<<: [*x, *z], username: b}}]",
    "x: &x {token: a, username: c}\nusers: [{name: u, user: {username: b, <<: *x}}]",
    "x: &x {token: a, username: c}\nusers: [{name: u, user: {<<: *x, username: b}}]",
    "users: [{name: u, user: {<<: {<<: {token: t}, username: z}}}]",
    "users: [{name: u, user: {<<: text}}]",
    "users: [{name: u, user: {<<: [text]}}]",
    "x: &x [*x]",
    "x: &x {a: *x}",
    "x: *nope",
    "? [a]\n: b",
    "? {a: b}\n: c",
    "preferences: {}\nx: !foo {b: !bar [c]}\nusers: [{name: u, user: {token: a}}]",
    'users: [{name: u, user: {exec: {command: x, apiVersion: v, args: [1:30, 2024-01-01, "1"]}}}]',
    "users: [{name: u, user: {exec: {command: x, apiVersion: v, args: [1]}}}]",
    "clusters: [{name: c, cluster: {server: x, insecure-skip-tls-verify: y}}]",
]


@pytest.fixture
def theirs(kubectl: Run, tmp_path: Path) -> Callable[[str], dict[str, Any] | None]:
    """Return a function that reads a kubeconfig with kubectl, with None for an error."""

    def read(content: str) -> dict[str, Any] | None:
        path = tmp_path / "theirs"
        path.write_text(content)
        ran = kubectl("config", "view", "--raw", "-o", "json", f"--kubeconfig={path}")
        return json.loads(ran.out) if ran.code == 0 else None

    return read


def ours(content: str) -> dict[str, Any] | None:
    """Return the kubeconfig as `read_yaml` reads it, in the shape of kubectl's output; None for an error."""
    try:
        parsed = read_yaml(content.encode())
        if parsed is None:
            parsed = {}
        if not isinstance(parsed, dict):
            return None
        document: dict[str, Any] = {"current-context": get_str(parsed, "current-context")}
        for plural in ("clusters", "users", "contexts"):
            entries = get_objects(parsed, plural)
            document[plural] = [{"name": get_str(entry, "name"), **_entry(entry, plural[:-1])} for entry in entries]
    except MalformedDocument:
        return None
    return document


def _entry(source: dict[str, Any], singular: str) -> dict[str, Any]:
    entry = get_object(source, singular)
    for key in ("token", "username", "password", "as", "namespace", "server"):
        get_str(entry, key)
    for argument in get_object(entry, "exec").get("args", []):
        get_str({"argument": argument}, "argument")
    return {singular: entry}


def said(document: object) -> object:
    """Drop empty values: kubectl writes some of them and omits others."""
    if isinstance(document, dict):
        kept = {key: said(value) for key, value in document.items() if key not in ("kind", "apiVersion", "preferences")}
        return {key: value for key, value in kept.items() if value not in (None, "", {}, [], False)}
    return list(map(said, document)) if isinstance(document, list) else document


def extension_of(document: dict[str, Any]) -> Any:
    """Return the extension, which can hold values of any type."""
    return document["clusters"][0]["cluster"]["extensions"][0]["extension"]


def in_extension(scalars: list[str]) -> str:
    values = "".join(f"\n        value{number}: {scalar}" for number, scalar in enumerate(scalars))
    return (
        f"clusters:\n- name: c\n  cluster:\n    server: x\n    extensions:\n    - name: e\n      extension:{values}\n"
    )


def as_json(value: object) -> object:
    """Pair a value with its type; JSON has one type for all numbers."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return ("number", float(value)) if number else (type(value), value)  # type: ignore[arg-type]


def test_scalars_have_the_types_and_values_that_kubectl_reads(theirs: Callable[[str], Any]) -> None:
    scalars = [scalar for line in SCALARS.split("\n") for scalar in line.split("|")]
    content = in_extension(scalars)
    found = extension_of(read_yaml(content.encode()))
    for scalar, (name, value) in zip(scalars, extension_of(theirs(content)).items(), strict=True):
        assert (scalar, as_json(found[name])) == (scalar, as_json(value))


@pytest.mark.parametrize("scalar", [scalar for line in WRONG.split("\n") for scalar in line.split("|")])
def test_scalars_that_kubectl_rejects_are_rejected(theirs: Callable[[str], object], scalar: str) -> None:
    content = in_extension([scalar])
    assert theirs(content) is None
    with pytest.raises(MalformedDocument):
        read_yaml(content.encode())


@pytest.mark.parametrize("content", DOCUMENTS)
def test_a_kubeconfig_is_read_as_kubectl_reads_it(theirs: Callable[[str], object], content: str) -> None:
    assert said(ours(content)) == said(theirs(content))


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Any]:
    """The reader as it works when PyYAML has no libyaml."""
    monkeypatch.delattr(yaml, "CSafeLoader")
    spec = importlib.util.spec_from_file_location("cachediscovery.config.pure_reader", yaml_reader.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read_yaml  # type: ignore[no-any-return]


def test_results_are_the_same_without_libyaml(pure: Callable[[bytes], Any]) -> None:
    content = in_extension([scalar for line in SCALARS.split("\n") for scalar in line.split("|")]).encode()
    assert pure(content) == read_yaml(content)
    for scalar in (scalar for line in WRONG.split("\n") for scalar in line.split("|") if "ud800" not in scalar):
        with pytest.raises(MalformedDocument):
            pure(in_extension([scalar]).encode())
    for document in DOCUMENTS:
        # PyYAML's own parser does not accept tabs as white space.
        if ours(document) is not None and "\t" not in document:
            assert str(pure(document.encode())) == str(read_yaml(document.encode()))


@pytest.mark.parametrize(
    "content",
    ["token: 'SECRET\n", "token: SECRET: x\n", "token: [SECRET\n", "? [SECRET]\n: a", "a: *SECRET", "!!int SECRET"],
)
def test_a_parse_error_quotes_no_content_of_the_file(pure: Callable[[bytes], Any], content: str) -> None:
    for read in (read_yaml, pure):
        with pytest.raises(MalformedDocument) as caught:
            read(content.encode())
        assert "SECRET" not in str(caught.value)


def test_a_kubeconfig_with_two_yaml_documents_uses_the_first(
    cli: Run, kubectl: Run, tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    with DiscoveryServer(tls=tls, token="1:30") as server:
        path = tmp_path / "config"
        path.write_text(
            "current-context: 2024-01-01\n"
            f"clusters: [{{name: 1:30, cluster: {{server: {server.url}, certificate-authority: ca.crt}}}}]\n"
            "users: [{name: 2024-01-02, user: {token: 1:30}}]\n"
            "contexts: [{name: 2024-01-01, context: {cluster: 1:30, user: 2024-01-02}}]\n"
            "---\ncurrent-context: other\n"
        )
        ran = cli("api-versions", KUBECONFIG=str(path))
        assert ran == kubectl("api-versions", KUBECONFIG=str(path))
        assert "apps/v1\n" in ran.out
