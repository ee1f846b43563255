# Read by every login shell. The home is empty at each start, so what makes a shell pleasant lives here.
# Debian leaves sbin out for ordinary users, but here they are the ones who start nginx and haproxy.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export EDITOR=nano PAGER=less LESS=-FRX LESSHISTFILE=- PYTHONDONTWRITEBYTECODE=1
if [ -n "${BASH_VERSION:-}" ] && [ -f /etc/bash.bashrc ]; then
    . /etc/bash.bashrc
fi
