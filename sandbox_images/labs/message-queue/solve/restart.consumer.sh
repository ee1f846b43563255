rm -f ~/done.log
until [ -s ~/done.log ]; do sleep 0.1; done
