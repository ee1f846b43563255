fail() { echo "$1"; exit 1; }

rows=$(curl -q -s -m 3 'http://lb:8404/stats;csv' | tr -d '\r' | awk -F, '
  NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) column[$i] = i; next }
  $2 == "web1" || $2 == "web2" { print $1 "/" $2 "|" $column["status"] "|" $column["check_status"] }')
[ -n "$rows" ] || fail no-stats
printf '%s\n' "$rows"
names=$(printf '%s\n' "$rows" | sed 's/|.*//; s/.*\///' | sort -u | wc -l)
[ "$names" -eq 2 ] || exit 1
printf '%s\n' "$rows" | grep -q '|no check|' && fail no-check
printf '%s\n' "$rows" | grep -q '|\(\* \)*L4OK' && fail tcp-only
printf '%s\n' "$rows" | grep -q '|DOWN' && fail backend-down
[ "$(printf '%s\n' "$rows" | grep -c '|UP.*|\(\* \)*L7OK$')" -eq "$(printf '%s\n' "$rows" | wc -l)" ] || fail backend-down
