sh -c 'while :; do sleep 1 & done'
# Not forked: there may be no room for another process yet.
exec sleep 2
