sh -c 'while :; do sleep 1 & done'
sleep 2
