fail() { echo "$1"; exit 1; }

found=$(curl -q -s -m 3 'http://lb:8404/stats;csv' | tr -d '\r' | awk -F, '
  NR == 1 { sub(/^# /, ""); for (i = 1; i <= NF; i++) column[$i] = i; next }
  $2 == "FRONTEND" { errors += $column["hrsp_5xx"] }
  $2 == "web1" || $2 == "web2" {
    servers++
    downs += $column["chkdown"]
    if ($column["status"] !~ /^UP/) out++
    if ($column["chkdown"] > 0) moved += $column["wredis"]
  }
  END { if (servers) printf "servers=%d chkdown=%d out=%d wredis=%d errors=%d\n", servers, downs, out, moved, errors }')
[ -n "$found" ] || fail no-stats
echo "$found"
value() { printf '%s\n' "$found" | sed "s/.*$1=\([0-9]*\).*/\1/"; }
[ "$(value chkdown)" -gt 0 ] || fail never-down
[ "$(value out)" -eq 0 ] || fail still-down
[ "$(value errors)" -eq 0 ] || fail failed-visits
[ "$(value wredis)" -gt 0 ] || fail no-visits
