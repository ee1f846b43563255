fail() { echo "$1"; exit 1; }

# Other visitors may take every second turn of a round robin: go on to 40 before calling it uneven.
first=0 second=0 unavailable=0 failed=0 sent=0
while [ "$sent" -lt 40 ]; do
  sent=$((sent + 1))
  answer=$(curl -q -s -m 3 -w ' status=%{http_code}' http://lb:8080/) || [ "$sent" -gt 1 ] || fail no-listener
  case $answer in
    *web1*status=200) first=$((first + 1)) ;;
    *web2*status=200) second=$((second + 1)) ;;
    *status=503) unavailable=$((unavailable + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
  [ "$sent" -ge 10 ] || continue
  [ $((first * 10)) -ge $((sent * 3)) ] && [ $((second * 10)) -ge $((sent * 3)) ] && break
  [ $((unavailable + failed)) -eq 0 ] || break
done
echo "sent=$sent web1=$first web2=$second unavailable=$unavailable failed=$failed"
[ "$unavailable" -lt "$sent" ] || fail no-backend
[ $((unavailable + failed)) -eq 0 ] || fail errors
[ "$first" -gt 0 ] && [ "$second" -gt 0 ] || fail one-backend
[ $((first * 10)) -ge $((sent * 3)) ] && [ $((second * 10)) -ge $((sent * 3)) ] || fail uneven
