cat >> ~/haproxy.cfg <<'CONF'

frontend shop
    bind *:8081
    default_backend sticky

backend sticky
    balance roundrobin
    cookie BACKEND insert indirect nocache
    server web1 web1:8080 cookie w1
    server web2 web2:8080 cookie w2
CONF
haproxy -f ~/haproxy.cfg -D -p ~/haproxy.pid -sf $(cat ~/haproxy.pid)
