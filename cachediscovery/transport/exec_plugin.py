"""Exec credential plugins: `client.authentication.k8s.io/v1` and `v1beta1` (KEP-541)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode

from .._concurrency import UNFORKABLE
from ..model.documents import parse_object
from ..model.errors import CredentialsError
from ..model.fields import MalformedDocument, get_object, get_str
from ..model.records import NamedTuple
from ..model.redact import one_line, printable
from .tls import ca_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..config.client_config import ClientConfig, ExecConfig


class ExecCredential(NamedTuple):
    """The output of a plugin. `expires_at` is in seconds since the epoch, None for never."""

    token: str
    certificate: bytes
    key: bytes
    expires_at: float | None

    def __repr__(self) -> str:
        return f"ExecCredential(expires_at={self.expires_at!r})"


def run_exec_plugin(config: ClientConfig, plugin: ExecConfig) -> ExecCredential:
    """Run the plugin once and parse its output. Raises `CredentialsError`, which never quotes the output."""
    interactive = _interactive(plugin)
    environ = {**os.environ, **dict(plugin.env), "KUBERNETES_EXEC_INFO": _exec_info(config, plugin, interactive)}
    try:
        with UNFORKABLE:
            process = subprocess.Popen(
                [plugin.command, *plugin.args],
                env=environ,
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
        answer = _answer_of(process)
    except FileNotFoundError as error:
        hint = one_line(printable(plugin.install_hint))
        raise CredentialsError(
            f"exec plugin {plugin.command} is not installed"
            + (f": {hint}" if hint else ": install it, or fix its path")
        ) from error
    except (OSError, ValueError) as error:
        raise CredentialsError(f"exec plugin {plugin.command} cannot be run: {one_line(error)}") from error
    if process.returncode != 0:
        raise CredentialsError(
            f"exec plugin {plugin.command} failed with exit code {process.returncode}: "
            "run it by hand, or log in again with your provider's tool"
        )
    try:
        return _credential(answer, plugin)
    except MalformedDocument as error:
        # Not chained: the cause holds the plugin's output.
        raise CredentialsError(f"exec plugin {plugin.command} gave no usable credential: {one_line(error)}") from None


def _answer_of(process: subprocess.Popen[bytes]) -> bytes:
    """Wait for the process and return its output. Kill it if the wait is interrupted."""
    with process:
        try:
            return process.communicate()[0]
        except BaseException:
            process.kill()
            raise


def _interactive(plugin: ExecConfig) -> bool:
    if plugin.interactive_mode == "Never":
        return False
    terminal = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
    if plugin.interactive_mode == "Always" and not terminal:
        raise CredentialsError(f"exec plugin {plugin.command} needs a terminal, but standard input is not one")
    return terminal


def _exec_info(config: ClientConfig, plugin: ExecConfig, interactive: bool) -> str:
    spec: dict[str, Any] = {}
    if plugin.provide_cluster_info:
        spec["cluster"] = _cluster(config, plugin)
    spec["interactive"] = interactive
    return json.dumps({"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec})


def _cluster(config: ClientConfig, plugin: ExecConfig) -> dict[str, Any]:
    cluster: dict[str, Any] = {"server": config.server}
    if config.tls_server_name:
        cluster["tls-server-name"] = config.tls_server_name
    if config.insecure_skip_tls_verify:
        cluster["insecure-skip-tls-verify"] = True
    authority = ca_bytes(config)
    if authority:
        cluster["certificate-authority-data"] = b64encode(authority).decode()
    if config.proxy_url:
        cluster["proxy-url"] = config.proxy_url
    if config.disable_compression:
        cluster["disable-compression"] = True
    if plugin.cluster_config:
        cluster["config"] = json.loads(plugin.cluster_config)
    return cluster


def _credential(answer: bytes, plugin: ExecConfig) -> ExecCredential:
    parsed = parse_object(answer)
    if get_str(parsed, "kind") != "ExecCredential":
        raise MalformedDocument("its output is not an ExecCredential")
    if get_str(parsed, "apiVersion") != plugin.api_version:
        raise MalformedDocument(f"configured for {plugin.api_version}, it answered with another apiVersion")
    status = get_object(parsed, "status")
    token, certificate, key = (get_str(status, name) for name in ("token", "clientCertificateData", "clientKeyData"))
    if not (token or certificate or key):
        raise MalformedDocument("neither a token nor a certificate with its key")
    if bool(certificate) != bool(key):
        raise MalformedDocument("a certificate without key, or a key without certificate")
    return ExecCredential(token, certificate.encode(), key.encode(), _timestamp(get_str(status, "expirationTimestamp")))


def _timestamp(rfc3339: str) -> float | None:
    if not rfc3339:
        return None
    from datetime import datetime, timezone

    # Python 3.10 accepts neither "Z" nor fractions with other than three or six digits.
    date, _, rest = rfc3339.strip().upper().partition("T")
    seconds, offset = rest[:8], rest[8:].lstrip(".0123456789")
    try:
        moment = datetime.fromisoformat(f"{date}T{seconds}{'+00:00' if offset in ('', 'Z') else offset}")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise MalformedDocument("its expirationTimestamp is not RFC 3339") from None
