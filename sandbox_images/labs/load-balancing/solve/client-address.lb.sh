sed -i '/bind \*:8080/a\    http-request del-header X-Forwarded-For\n    option forwardfor' ~/haproxy.cfg
haproxy -f ~/haproxy.cfg -D -p ~/haproxy.pid -sf $(cat ~/haproxy.pid)
