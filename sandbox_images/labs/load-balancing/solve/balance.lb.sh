cat > ~/haproxy.cfg <<'CONF'
global
    maxconn 200

defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s

frontend site
    bind *:8080
    default_backend pool

backend pool
    balance roundrobin
    server web1 web1:8080
    server web2 web2:8080
CONF
haproxy -f ~/haproxy.cfg -D -p ~/haproxy.pid
