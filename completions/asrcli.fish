# Completion of asrcli in fish, made by `asrcli --show-completion fish`.
function __asrcli_complete
    set -l program (string replace -r '^~' $HOME -- (commandline -opc)[1])
    set -l answers ($program __complete fish (commandline -cp | string collect) 2>/dev/null)
    if set -q answers[1]
        string join \n -- $answers
    else
        set -l token (commandline -ct)
        set -l head (string match -r '^(?:--[^=]+=)?(?:script:)?' -- $token)
        string replace -r -- '^' $head (__fish_complete_path (string replace -- $head '' $token))
    end
end
complete --command asrcli --no-files --keep-order --arguments '(__asrcli_complete)'
