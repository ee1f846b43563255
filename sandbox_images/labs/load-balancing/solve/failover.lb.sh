sed -i '/timeout server/a\    option httpchk GET /health\n    option redispatch 1\n    retry-on conn-failure empty-response\n    default-server check inter 500ms fall 3 rise 2' ~/haproxy.cfg
cat >> ~/haproxy.cfg <<'CONF'

frontend statistics
    bind *:8404
    stats enable
    stats uri /stats
CONF
haproxy -f ~/haproxy.cfg -D -p ~/haproxy.pid -sf $(cat ~/haproxy.pid)
