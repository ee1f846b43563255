cat > ~/nginx.conf <<'CONF'
pid /home/learner/nginx.pid;
error_log /home/learner/error.log;
worker_processes 1;
events { worker_connections 256; }
http {
  log_format balanced '$remote_addr "$request" $status forwarded=$http_x_forwarded_for';
  access_log /home/learner/access.log balanced;
  default_type text/plain;
  server {
    listen 8080;
    location / { return 200 "served by $hostname\n"; }
    location = /health { access_log off; return 200 "ok\n"; }
  }
}
CONF
nginx -c ~/nginx.conf
