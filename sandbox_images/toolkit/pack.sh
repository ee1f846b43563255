#!/bin/sh
# pack.sh FOLDER: every tool below with all it loads, tied to the place where the toolkit is mounted.
set -eu
folder=$1
home=/run/yunlian/toolkit
tools="sh bash grep egrep fgrep sed gawk cat chmod cmp cp cut date dd df diff dirname basename du env expr find head id
 kill ln ls md5sum mkdir mktemp mv nl nproc od paste pgrep pidof pkill printf ps pwd readlink realpath rm rmdir seq
 sha256sum sleep sort ss stat sum tac tail tee test touch tr true false timeout tty uname uniq wc whoami who xargs yes
 free uptime ip nc ping curl jq python3 getent hostname ["
mkdir -p "$folder/bin" "$folder/lib"

tie() {
    patchelf --set-interpreter "$home/lib/loader" --force-rpath --set-rpath "$home/lib" "$1"
}

for tool in $tools; do
    path=$(command -v -- "$tool" | grep / || ls "/usr/bin/$tool" "/bin/$tool" 2>/dev/null | head -1)
    [ -n "$path" ] || { echo "there is no $tool" >&2; exit 1; }
    real=$(readlink -f "$path")
    cp "$real" "$folder/bin/$tool"
    if [ "$(head -c 4 "$real" | tail -c 3)" = ELF ]; then
        ldd "$real" | grep -o '/[^ ]*\.so[^ ]*' >>/tmp/libraries || true
        tie "$folder/bin/$tool"
    else
        sed -i "1s,^#! */\(usr/\)\?bin/\(sh\|bash\).*,#!$home/bin/\2," "$folder/bin/$tool"
    fi
done
ln -s gawk "$folder/bin/awk"
cp /usr/lib/yunlian/runner "$folder/bin/runner"

python=$(ls -d /usr/lib/python3.[0-9]*)
cp -a "$python" "$folder/lib/"
# Read-only as it is mounted, Python could keep nothing of what it compiled and would begin anew in every check.
python3 -m compileall -q "$folder/lib/${python##*/}" || true
find "$folder/lib" -name '*.so' -exec sh -c 'ldd "$1" | grep -o "/[^ ]*\.so[^ ]*"' _ {} \; >>/tmp/libraries || true
loader=$(ldd /bin/cat | grep -o '/[^ ]*ld-linux[^ ]*')
sort -u /tmp/libraries | while read -r library; do
    cp -L "$library" "$folder/lib/"
    case $library in
    */ld-linux*) ;;
    *) patchelf --force-rpath --set-rpath "$home/lib" "$folder/lib/$(basename "$library")" ;;
    esac
done
rm -f "$folder/lib/$(basename "$loader")"
cp -L "$loader" "$folder/lib/loader"
ln -s loader "$folder/lib/$(basename "$loader")"

# Lists that the node could keep for the C library: preloads, a cache, modules for names. Under /proc nobody makes a
# file; each name is as long as the one it takes the place of.
hide() {
    for file in "$folder"/lib/loader "$folder"/lib/libc.so.6; do
        sed -i "s,$1,$2,g" "$file"
        ! grep -q "$1" "$file"
    done
}
hide /etc/ld.so.preload /proc/1/no-preload
hide /etc/ld.so.cache /proc/1/no-cache
hide /etc/nsswitch.conf /proc/1/no-modules
# A module that a lab's image brings for its checks is found after the toolkit's own.
mkdir -p "$folder/lib/python3/dist-packages"
echo /usr/lib/python3/dist-packages >"$folder/lib/python3/dist-packages/node.pth"
# curl takes the first of its files that it finds, and the learner's home comes later.
: >"$folder/.curlrc"
chmod -R a+rX,go-w "$folder"
