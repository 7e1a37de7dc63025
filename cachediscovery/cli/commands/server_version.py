"""`server-version`: prints the server's version as kubectl does, without the client's."""

from __future__ import annotations

from ...model.redact import one_line
from ..flags import Parsed, UsageError
from ..output import write
from ..progress import progress
from ..session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.types import VersionInfo

# Go's field order, as kubectl prints them.
_FIELDS = (
    ("major", "major"),
    ("minor", "minor"),
    ("emulationMajor", "emulation_major"),
    ("emulationMinor", "emulation_minor"),
    ("minCompatibilityMajor", "min_compatibility_major"),
    ("minCompatibilityMinor", "min_compatibility_minor"),
    ("gitVersion", "git_version"),
    ("gitCommit", "git_commit"),
    ("gitTreeState", "git_tree_state"),
    ("buildDate", "build_date"),
    ("goVersion", "go_version"),
    ("compiler", "compiler"),
    ("platform", "platform"),
)


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    output = parsed.text("output")
    if output not in ("", "json", "yaml"):
        raise UsageError("--output must be 'yaml' or 'json'")
    session = Session(parsed, asks=True)
    with progress(session.server):
        version = session.base.server_version()
    if not output:
        write(f"Server Version: {one_line(version.git_version)}\n")
    elif output == "json":
        from ...model.documents import go_json

        write(go_json({"serverVersion": _document(version)}, indent=2) + "\n")
    else:
        from ..go_yaml import go_yaml

        write("serverVersion:\n" + go_yaml(_document(version), "  "))
    return 0


def _document(version: VersionInfo) -> dict[str, str]:
    document = {key: one_line(getattr(version, name)) for key, name in _FIELDS}
    # Servers before 1.33 have no emulation and compatibility versions.
    return {key: value for key, value in document.items() if value or not key.startswith(("emulation", "minCompat"))}
