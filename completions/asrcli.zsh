
#compdef asrcli

_asrcli_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _ASRCLI_COMPLETE=complete_zsh asrcli)
}

compdef _asrcli_completion asrcli

