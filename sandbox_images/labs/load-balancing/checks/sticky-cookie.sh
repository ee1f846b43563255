fail() { echo "$1"; exit 1; }
server() { grep -o 'web[12]' | head -n 1; }
body() { printf '%s\n' "$answer" | sed '1,/^$/d' | server; }
cookie() { printf '%s\n' "$answer" | sed -n 's/^[Ss]et-[Cc]ookie: *\(BACKEND=[^;]*\).*/\1/p' | head -n 1; }
visit() { answer=$(curl -q -s -m 3 -i http://lb:8081/ | tr -d '\r'); }
returns_to() {
  for number in 1 2 3 4 5; do
    [ "$(curl -q -s -m 3 -H "Cookie: $1" http://lb:8081/ | server)" = "$2" ] || return 1
  done
}

visit
printf '%s\n' "$answer" | head -n 1 | grep -q ' 200' || fail no-listener
first=$(body)
[ -n "$(cookie)" ] || fail no-cookie
returns_to "$(cookie)" "$first" || fail not-sticky

# A second visitor on the other backend tells a cookie from a balancer that sends everybody to one place.
visits=0
while visit; do
  visits=$((visits + 1))
  [ "$(body)" = "$first" ] || break
  [ "$visits" -lt 20 ] || fail one-backend
done
second=$(body)
[ -n "$second" ] || fail one-backend
returns_to "$(cookie)" "$second" || fail not-sticky
echo "first=$first second=$second"
