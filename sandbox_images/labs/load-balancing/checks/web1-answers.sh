fail() { echo "$1"; exit 1; }

status=$(curl -q -s -m 3 -o /dev/null -w '%{http_code}' http://web1:8080/) || fail no-listener
[ "$status" = 200 ] || fail bad-status
curl -q -s -m 3 http://web1:8080/ | grep -qw web1 || fail wrong-name
status=$(curl -q -s -m 3 -o /dev/null -w '%{http_code}' http://web1:8080/health)
[ "$status" = 200 ] || fail no-health
echo "web1:8080 200"
