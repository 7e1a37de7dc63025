"""Which group and version names are valid in listings and paths: a server may send anything."""

from __future__ import annotations

from .errors import InvalidGroupVersion
from .group_version import GroupVersion

_LABEL_MAX = 63
_GROUP_MAX = 253


def is_group_name(name: str) -> bool:
    """Whether `name` can be a group served under `/apis`, which the core group, "", is not."""
    return len(name) <= _GROUP_MAX and all(map(is_version_name, name.split(".")))


def is_version_name(name: str) -> bool:
    """Whether `name` is a DNS-1123 label, as versions are. Also accepts upper case and `_`, which are harmless.

    Refuses what is unsafe in a URL or a path: slashes, dots, control characters and the empty name.
    """
    plain = name.replace("-", "").replace("_", "")
    return plain.isascii() and plain.isalnum() and len(name) <= _LABEL_MAX and name[0] in plain and name[-1] in plain


def path_of(group_version: str) -> str:
    """The path of a group version's resources, from the server's root."""
    return f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"


def parse_group_version(group_version: str) -> GroupVersion:
    """Parse an argument such as `apps/v1`. Raises `InvalidGroupVersion`."""
    try:
        parsed = GroupVersion.parse(str(group_version))
    except ValueError:
        parsed = GroupVersion("", "")
    named = is_group_name(parsed.group) if parsed.group or "/" in group_version else True
    if not named or not is_version_name(parsed.version):
        raise InvalidGroupVersion(
            f"{group_version!r} is not a group version: write VERSION or GROUP/VERSION, say apps/v1"
        )
    return parsed
