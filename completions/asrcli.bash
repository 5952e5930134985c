# Completion of asrcli in bash, made by `asrcli --show-completion bash`.
_asrcli_completion() {
    local answer
    COMPREPLY=()
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <("${1/#\~/$HOME}" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:.] ]]; then
        # More is to follow. Bash 3 has no compopt.
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _asrcli_completion asrcli
