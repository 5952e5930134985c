#compdef asrcli
# Completion of asrcli in zsh, made by `asrcli --show-completion zsh`.
_asrcli() {
    local program=${~${(Q)words[1]}} line answer value
    local -a whole begun
    line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX"
    for answer in "${(@f)$($program __complete zsh "$line" 2>/dev/null)}"; do
        [[ -n $answer ]] || continue
        value=${answer%%$'\t'*}
        # _describe takes what follows a colon for the help.
        answer=${value//:/\\:}:${answer#*$'\t'}
        if [[ $value == *[=:.] ]]; then begun+=("$answer"); else whole+=("$answer"); fi
    done
    if (( ! $#whole && ! $#begun )); then
        compset -P '--*='
        compset -P 'script:'
        _files
        return
    fi
    local -a anycase=(-M 'm:{[:lower:][:upper:]}={[:upper:][:lower:]}')
    local result=1
    (( $#whole )) && _describe -V asrcli whole $anycase && result=0
    (( $#begun )) && _describe -V asrcli begun $anycase -S '' && result=0
    return result
}
# As a file in $fpath it is run at the first TAB; else it is read at the start.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _asrcli "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef _asrcli asrcli
fi
