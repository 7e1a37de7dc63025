"""Drops invalid names of groups, versions and resources that a server sent."""

from __future__ import annotations

from .. import _log as log
from .group_version import GroupVersion
from .names import is_group_name, is_version_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import APIGroup, APIGroupList, APIResource

# The most invalid names in one warning.
_SHOWN = 5


def drop_invalid_groups(groups: APIGroupList, url: str, *, core: bool) -> list[APIGroup]:
    """Keep the groups and versions whose names may be used in URLs and paths; log a warning for the others."""
    valid = []
    for group in groups.groups:
        if (group.name != "") if core else not is_group_name(group.name):
            log.warning("ignoring the API group %s of %s: not a group's name", ascii(group.name[:80]), url)
            continue
        kept = []
        for version in group.versions:
            if not is_version_name(version.version):
                log.warning(
                    "ignoring the version %s of API group %r of %s: not a version's name",
                    ascii(version.version[:80]), group.name, url,
                )  # fmt: skip
                continue
            # Do not use the server's `groupVersion`: it may differ from its parts.
            kept.append(version._replace(group_version=str(GroupVersion(group.name, version.version))))
        if group.versions and not kept:
            continue
        preferred = group.preferred_version
        if preferred.version:
            preferred = next((version for version in kept if version.version == preferred.version), kept[0])
        valid.append(group._replace(versions=tuple(kept), preferred_version=preferred))
    return valid


def is_valid_group_version(group_version: GroupVersion, *, core: bool) -> bool:
    """Whether a group version may be used in URLs and paths; `core` if it must be the core group's."""
    named = group_version.group == "" if core else is_group_name(group_version.group)
    return named and is_version_name(group_version.version)


def drop_invalid_resources(resources: Sequence[APIResource], group_version: str) -> Sequence[APIResource]:
    """Drop names that would break a terminal, a line or the index, and log them in a warning.

    A resource with such a name, kind, group or version is dropped. Of a list, only such words are dropped.
    """
    texts = {text for resource in resources for text in _texts_of(resource)}
    words = {word for resource in resources for words in _lists_of(resource) for word in words}
    if "" not in words and _is_plain("".join((*texts, *words))) and all(resource.name for resource in resources):
        return resources
    kept = []
    for resource in resources:
        name, kind, group, version, singular_name, storage_version_hash = _texts_of(resource)
        if not name or not all(map(_is_plain, (name, kind, group, version))):
            continue
        verbs, short_names, categories = (tuple(filter(_is_word, words)) for words in _lists_of(resource))
        kept.append(
            resource._replace(
                singular_name=singular_name if _is_plain(singular_name) else "",
                storage_version_hash=storage_version_hash if _is_plain(storage_version_hash) else "",
                verbs=verbs,
                short_names=short_names,
                categories=categories,
            )
        )
    wrong = sorted(text for text in texts | words if not _is_plain(text)) or [""]
    shown = ", ".join(ascii(text[:80]) for text in wrong[:_SHOWN]) + (" …" if len(wrong) > _SHOWN else "")
    log.warning("ignoring names of %s that cannot be names: %s", ascii(group_version[:400]), shown)
    return kept


def _texts_of(resource: APIResource) -> tuple[str, str, str, str, str, str]:
    return (
        resource.name,
        resource.kind,
        resource.group,
        resource.version,
        resource.singular_name,
        resource.storage_version_hash,
    )


def _lists_of(resource: APIResource) -> tuple[tuple[str, ...], ...]:
    return resource.verbs, resource.short_names, resource.categories


def _is_plain(text: str) -> bool:
    # All other white space is not printable. The index separates the words of a list by commas.
    return text.isprintable() and " " not in text and "," not in text


def _is_word(text: str) -> bool:
    return text != "" and _is_plain(text)
