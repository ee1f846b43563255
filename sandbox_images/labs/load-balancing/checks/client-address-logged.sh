log=/home/learner/access.log
fail() { echo "$1"; exit 1; }

mark=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
logged() { grep -F "/$1-$mark-" "$log" | sed 's/.*forwarded=//' | sort -u; }

curl -q -s -m 3 -o /dev/null http://lb:8080/ || fail no-balancer
readable "$log" || fail not-forwarded
sent=0
while [ "$sent" -lt 20 ]; do
  sent=$((sent + 1))
  curl -q -s -m 3 -o /dev/null "http://lb:8080/plain-$mark-$sent"
  curl -q -s -m 3 -o /dev/null "http://lb:8080/plain-$mark-$sent"
  curl -q -s -m 3 -o /dev/null -H 'X-Forwarded-For: 203.0.113.7' "http://lb:8080/posing-$mark-$sent"
  curl -q -s -m 3 -o /dev/null -H 'X-Forwarded-For: 203.0.113.7' "http://lb:8080/posing-$mark-$sent"
  [ -z "$(logged plain)" ] || [ -z "$(logged posing)" ] || break
done
plain=$(logged plain) posing=$(logged posing)
[ -n "$plain" ] && [ -n "$posing" ] || fail not-forwarded

own=$(getent hosts web2 | awk '{ print $1; exit }')
echo "own=$own plain=$plain posing=$posing"
[ "$plain" != - ] || fail no-forwarded-for
[ "$plain" = "$own" ] || fail wrong-address
[ "$posing" = "$own" ] || fail forged
