"""The reader of plain YAML: what it reads is what PyYAML reads, and it reads what people have."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cachediscovery.config.plain_yaml import NotPlainError, parse_plain_yaml

KUBECTL = b"""\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURCVENDQWUyZ0F3SUJBZ0lJ=
    server: https://127.0.0.1:37415
  name: kind-kind
contexts:
- context:
    cluster: kind-kind
    namespace: default
    user: kind-kind
  name: kind-kind
current-context: kind-kind
kind: Config
preferences: {}
users:
- name: kind-kind
  user:
    client-certificate-data: 0LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==
    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=
- name: empty
  user: {}
"""
EKS = b"""\
apiVersion: v1
kind: Config
# made by a tool of a cloud
users:
- name: arn:aws:eks:eu-central-1:111122223333:cluster/prod
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - --region
      - eu-central-1
      - eks
      command: aws
      env:
      - name: AWS_PROFILE
        value: "prod"
      interactiveMode: IfAvailable
      provideClusterInfo: false
"""
MINIKUBE = b"""\
---
apiVersion: v1
clusters:
  - cluster:
      certificate-authority: /home/me/.minikube/ca.crt
      extensions:
        - extension:
            last-update: Mon, 23 Nov 2026 10:11:12 UTC
            provider: minikube.sigs.k8s.io
            version: 'v1.38.0'
          name: cluster_info
      insecure-skip-tls-verify: true
      server: "https://192.168.49.2:8443"
    name: minikube
current-context:
kind: Config
"""


def strict(data: bytes) -> Any:
    return yaml.load(data, Loader=yaml.SafeLoader)


@pytest.mark.parametrize("data", [KUBECTL, MINIKUBE, EKS])
def test_ordinary_kubeconfigs_are_plain(data: bytes) -> None:
    assert parse_plain_yaml(data) == strict(data)


@pytest.mark.parametrize(
    "line",
    [
        b"a: &b c", b"a: *b", b"a: !!str b", b"a: {b: c}", b"a: [b]", b"a: |\n  b", b"a: >\n  b", b"a: b\n  c",
        b"a: 'b''c'", b'a: "b\\n"', b'a: "b\n  c"', b"a: 1", b"a: 1.5", b"a: 0x1f", b"a: 2026-11-23", b"a: 12:30",
        b"a: yes", b"a: No", b"on: a", b"1: a", b"? a\n: b", b"a: b # c", b"a: \xc3\xa9", b"a:\tb", b"a: b\r\n",
        b"a: -1", b"a: .inf", b"a: ~", b"<<: a", b"a: =", b"a: @b", b"a: `b`", b"a: %b", b"a: b: c", b"a:b", b"a",
        b"a: 1.5e+3", b"a: 2026-11-23T10:11:12Z", b"a: b :", b"- - a", b"- - a: b", b"a" * 129 + b": b", b"a: off :",
        b"".join(b" " * level + b"a:\n" for level in range(2000)), b"- \n  a: b", b"a: 'b' c", b"a: 'b", b'a: "',
        b"", b"- a\n- b\n c", b"a: b\n---\nc: d", b"a: b\n...", b"%YAML 1.1\n---\na: b", b"  a: b\n c: d",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_pyyaml(line: bytes) -> None:
    with pytest.raises(NotPlainError):
        parse_plain_yaml(line)


SCALAR_TEXTS = st.sampled_from(
    ["", "", "a", "b c", "'d e'", '"f"', "''", "{}", "[]", "true", "False", "null", "~", "yes", "off", "1", "1.5",
     "12:30", "0x1f", "0o17", "0b1", "1e3", "1.5e+3", "2026-11-23", "2026-11-23T10:11:12Z", "9f", "9g", "1_0", "-f",
     "--x", "-.inf", ".5", "/x", "a: b", "a :", "b:", "a #b", "a#b", "# c", "&a", "*a", "!a", "|", ">", "%a", "@a",
     "=", "<<", "?", "-", "'a''b'", '"a\\n"', "'a", '"b', "{a: b}", "[a]", ",", "---", "...", "\u00e9", "\t"]
)  # fmt: skip
LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "  ", "  ", "    ", "      ", " "]),
    st.sampled_from(["", "", "- ", "- ", "-   ", "-", "- - "]),
    st.sampled_from(["k: ", "k: ", "k2:   ", "k:", "long-key.with/all: ", "yes: ", "1: ", "'q': ", "", "k : "]),
    SCALAR_TEXTS,
    st.sampled_from(["", "", "", " ", " # c", ":", "\r"]),
)


@settings(max_examples=2000)
@given(st.lists(LINES, min_size=1, max_size=6).map("\n".join))
def test_what_is_read_is_what_pyyaml_reads(text: str) -> None:
    data = text.encode()
    try:
        found = parse_plain_yaml(data)
    except NotPlainError:
        return
    assert repr(found) == repr(strict(data)), "the same, and of the same types"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.from_regex(
    r"[a-z0-9A-Z:/._ #=+-]{1,12}", fullmatch=True
) | st.dates() | st.binary(max_size=5)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | SCALARS, inner, max_size=3),
)


@given(VALUES, st.booleans() | st.none(), st.integers(1, 5), st.booleans())
def test_what_pyyaml_has_written_is_read_as_it_was_or_not_at_all(
    value: Any, flow: bool | None, indent: int, explicit: bool
) -> None:
    data = yaml.safe_dump(
        value, default_flow_style=flow, indent=indent, explicit_start=explicit, encoding="utf-8", allow_unicode=True
    )
    try:
        found = parse_plain_yaml(data)
    except NotPlainError:
        return
    assert repr(found) == repr(strict(data))
