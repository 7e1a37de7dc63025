"""`completion`: the script that makes a shell ask this program what may come next."""

from __future__ import annotations

from ..flags import Parsed, UsageError
from ..output import write

# Each script hands over the line up to the cursor, of one command and not of those before it, and takes one candidate a
# line. A name is quoted where it is put into the line: by bash here, by the other shells themselves.
_BASH = """\
_cachediscovery() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        printf -v candidate %q "$candidate"
        COMPREPLY+=("$candidate")
    done < <(cachediscovery __complete bash "${COMP_LINE:0:COMP_POINT}" "${@:2:1}" 2>/dev/null)
}
complete -F _cachediscovery cachediscovery
"""
_ZSH = """\
#compdef cachediscovery
_cachediscovery() {
    local line="${(j: :)words[1,CURRENT-1]} ${(q)${(Q)PREFIX}}"
    local -a candidates
    candidates=("${(@f)$(cachediscovery __complete zsh "$line" 2>/dev/null)}")
    compadd -- "${candidates[@]:#}"
}
compdef _cachediscovery cachediscovery
"""
_FISH = """\
complete -c cachediscovery -f -a '(cachediscovery __complete fish (commandline -cp | string collect -N) 2>/dev/null)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def run(parsed: Parsed) -> int:
    """Run the command; its exit code."""
    if len(parsed.arguments) != 1 or parsed.arguments[0] not in SCRIPTS:
        raise UsageError(f"name one shell: {', '.join(SCRIPTS)}")
    write(SCRIPTS[parsed.arguments[0]])
    return 0
