"""`completion`: prints the script that makes a shell call this program for candidates."""

from __future__ import annotations

from ..flags import Parsed, UsageError
from ..output import write

# Each script passes the current command's line up to the cursor, and reads one candidate per line. For all but bash, a
# tab and a description may follow. Names are quoted when inserted into the line: the scripts of bash and PowerShell do
# it, the other shells do it themselves.
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
    local -a candidates described
    candidates=(${(f)"$(cachediscovery __complete zsh "$line" 2>/dev/null)"})
    described=(${(M)candidates:#*$'\t'*})
    compadd -- "${(@)candidates:#*$'\t'*}"
    candidates=("${described[@]%%$'\t'*}")
    described=("${described[@]/$'\t'/  -- }")
    (( COLUMNS > 1 )) && described=("${(@r:COLUMNS-1:)described}")
    compadd -l -d described -a candidates
}
compdef _cachediscovery cachediscovery
"""
_FISH = """\
complete -c cachediscovery -f -a '(cachediscovery __complete fish (commandline -cp | string collect) 2>/dev/null)'
"""
# PowerShell takes a name with a comma or a quote for more than one word, and passes on no double quotes.
_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName cachediscovery -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $line = "$commandAst".PadRight($length).Substring(0, $length).Replace('\\', '\\\\').Replace('"', "'")
    cachediscovery __complete powershell "$line" 2>$null | ForEach-Object {
        $name, $description = $_ -split "`t", 2
        $word = if ($name -match '^[\\w./:=-]+$') { $name } else { "'" + $name.Replace("'", "''") + "'" }
        if (-not $description) { $description = $name }
        [System.Management.Automation.CompletionResult]::new($word, $name, 'ParameterValue', $description)
    }
}
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH, "powershell": _POWERSHELL}


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    if len(parsed.arguments) != 1 or parsed.arguments[0] not in SCRIPTS:
        raise UsageError(f"name one shell: {', '.join(SCRIPTS)}")
    write(SCRIPTS[parsed.arguments[0]])
    return 0
