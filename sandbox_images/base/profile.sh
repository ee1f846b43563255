# Read by every login shell. The home is empty at each start, so what makes a shell pleasant lives here.
export EDITOR=nano PAGER=less LESS=-FRX LESSHISTFILE=- PYTHONDONTWRITEBYTECODE=1
if [ -n "${BASH_VERSION:-}" ] && [ -f /etc/bash.bashrc ]; then
    . /etc/bash.bashrc
fi
