log=/home/learner/access.log
fail() { echo "$1"; exit 1; }

mark=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
curl -q -s -m 3 -o /dev/null http://lb:8080/ || fail no-balancer
readable "$log" || fail no-log
sent=0
while [ "$sent" -lt 20 ]; do
  sent=$((sent + 1))
  curl -q -s -m 3 -o /dev/null "http://lb:8080/check-$mark-$sent"
  [ "$sent" -lt 4 ] || ! grep -qF "/check-$mark-" "$log" || break
done
arrived=$(grep -F "/check-$mark-" "$log") || fail not-forwarded
balancer=$(getent hosts lb | awk '{ print $1; exit }')
printf '%s\n' "$arrived" | awk -v balancer="$balancer" '$1 != balancer { exit 1 }' || fail not-by-balancer
echo "sent=$sent arrived=$(printf '%s\n' "$arrived" | wc -l) from=$balancer"
