case $- in *i*) ;; *) return ;; esac

shopt -s checkwinsize histappend
HISTSIZE=5000
HISTFILESIZE=5000
HISTCONTROL=ignoreboth

# Green when the last command succeeded, red with its code when it did not.
yunlian_prompt() {
    local code=$?
    local colour='\[\e[32m\]' failed=''
    if [ "$code" -ne 0 ]; then
        colour='\[\e[31m\]'
        failed="$code "
    fi
    PS1="\[\e[1;34m\]\h\[\e[0m\]:\[\e[36m\]\w\[\e[0m\] ${colour}${failed}\\\$\[\e[0m\] "
}
PROMPT_COMMAND=yunlian_prompt

alias ls='ls --color=auto' ll='ls -alF --color=auto' grep='grep --color=auto' ip='ip --color=auto'
# Completions are read at the first Tab: they are half a shell's memory, and most shells never need them.
if [ -f /usr/share/bash-completion/bash_completion ]; then
    yunlian_completions() {
        unset -f yunlian_completions
        . /usr/share/bash-completion/bash_completion
        # Told to bash: there is more than before, so try again.
        return 124
    }
    complete -D -F yunlian_completions -o bashdefault -o default
fi
