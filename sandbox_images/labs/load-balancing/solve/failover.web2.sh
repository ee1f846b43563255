status() { curl -s 'http://lb:8404/stats;csv' | grep '^pool,web2,' | cut -d , -f 18; }
until [ "$(status)" = UP ]; do sleep 0.2; done
nginx -c ~/nginx.conf -s stop
while [ "$(status)" != DOWN ]; do
  curl -s -o /dev/null http://lb:8080/
  sleep 0.1
done
nginx -c ~/nginx.conf
until [ "$(status)" = UP ]; do sleep 0.2; done
