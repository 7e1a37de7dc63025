"""Word wrap by the rules of kubectl (its package `pkg/explain/v2`): lines are broken at spaces, and never joined."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Go's `unicode.IsSpace` without the line feed, and without the no-break space.
_SPACES = frozenset("\t\v\f\r \x85\u1680\u2028\u2029\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_OTHER_SPACES = _SPACES - {" "}


def wrap(text: str, limit: int) -> str:
    """Break the lines of `text` that have more than `limit` characters, where they have spaces.

    The spaces at a break are dropped. A word of more than `limit` characters stands on a line of its own.
    """
    if len(text) <= limit:
        return text
    return "\n".join([line if len(line) <= limit else _wrapped(line, limit) for line in text.split("\n")])


def indent(text: str, width: int) -> str:
    """Indent each line of `text`, empty ones too."""
    margin = " " * width
    return margin + text.replace("\n", f"\n{margin}")


def _wrapped(line: str, limit: int) -> str:
    parts: list[str] = []
    width = 0
    for gap, word in _words(line):
        if not word:
            # Spaces at the end of the line.
            if width + len(gap) <= limit:
                parts.append(gap)
        # The line is broken while the word is read, but not after its first `limit - 1` characters.
        elif width + len(gap) + min(len(word), limit - 1) > limit:
            parts += ("\n", word)
            width = len(word)
        else:
            parts += (gap, word)
            width += len(gap) + len(word)
    return "".join(parts)


def _words(line: str) -> Iterator[tuple[str, str]]:
    """The words of a line, each with the spaces before it; spaces at the end of the line come with an empty word."""
    if _OTHER_SPACES.isdisjoint(line):
        gap = ""
        for word in line.split(" "):
            if word:
                yield gap, word
                gap = ""
            gap += " "
        # One space was added that is not in the line.
        if gap[1:]:
            yield gap[1:], ""
        return
    at = 0
    while at < len(line):
        begin = at
        while at < len(line) and line[at] in _SPACES:
            at += 1
        end = at
        while at < len(line) and line[at] not in _SPACES:
            at += 1
        yield line[begin:end], line[end:at]
