# SPDX-License-Identifier: Apache-2.0
# ./dev package --test: a life of the package in a bare Debian 12 (debootstrap, minbase), without a
# running systemd: install, start, requests, upgrade with streams open, remove, purge.

package_root=
package_pids=()

in_root() {
    chroot "$package_root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}

package_step() {
    printf '  %s\n' "$*"
}

package_fail() {
    echo "dev: package test: $*" >&2
    exit 1
}

# The bare system is made once and kept beside the package.
package_make_root() {
    local bare="$PWD/$package_folder/bare.tar" log="$PWD/$package_folder/debootstrap.log"
    if [ ! -e "$bare" ]; then
        package_root="$PWD/$package_folder/bare"
        rm -rf "$package_root"
        debootstrap --variant=minbase "$package_suite" "$package_root" >"$log" 2>&1 ||
            package_fail "debootstrap failed, see $log"
        tar -C "$package_root" -cf "$bare.new" . && mv "$bare.new" "$bare"
        rm -rf "$package_root"
    fi
    package_root=$(mktemp -d)
    chmod 755 "$package_root"
    tar -C "$package_root" -xf "$bare"
    cp /etc/resolv.conf "$package_root/etc/resolv.conf"
    mount -t proc proc "$package_root/proc"
    mount --bind /dev "$package_root/dev"
}

package_end() {
    local pid
    for pid in "${package_pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    umount "$package_root/dev" "$package_root/proc" 2>/dev/null || true
    mountpoint -q "$package_root/dev" || mountpoint -q "$package_root/proc" || rm -rf "$package_root"
}

# package_newer FILE VERSION: the same package by a higher number.
package_newer() {
    local folder
    folder=$(mktemp -d)
    dpkg-deb -R "$1" "$folder"
    sed -i "s/^Version: .*/Version: $2/" "$folder/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$folder" "$package_root/newer.deb" >/dev/null
    rm -rf "$folder"
}

# until COMMAND succeeds, 20 s
package_await() {
    local tries=0
    until "$@" >/dev/null 2>&1; do
        [ $tries -lt 200 ] || package_fail "this did not become true: $*"
        sleep 0.1
        tries=$((tries + 1))
    done
}

# package_behind COMMAND...: goes on behind; the process is the one that is ended at the end, no shell's.
package_behind() {
    (exec chroot "$package_root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ "$@") &
    package_pids+=($!)
}

package_port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# As the unit does it: the user, the folders, the settings of the package.
package_start() {
    in_root install -d -o weir -g weir /run/weir /var/log/weir /var/lib/weir
    package_behind weir-bench backend --engine A --listen 127.0.0.1:8000 --quiet >/dev/null
    package_behind setpriv --reuid weir --regid weir --init-groups weir -c /etc/weir/weir.cfg 2>"$package_root/weir.err"
    package_await in_root weirctl status
}

# package_load NAME DURATION OUTPUT: requests through weir, the summary in NAME.json
package_load() {
    in_root weir-bench load --url http://127.0.0.1:8080 --rate 5 --duration "$2" --output "$3" --exact --quiet \
        --ttft 5s --json "/$1.json" >/dev/null
}

package_all_good() {
    python3 - "$package_root/$1.json" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as f:
    got = json.load(f)
print(f"    {got['ends']['good']} of {got['turns']} good, {got['content_events']} tokens")
sys.exit(0 if got["ends"]["good"] == got["turns"] > 0 else str(got["ends"]))
PYTHON
}

package_has_streams() {
    in_root weirctl --json status | grep '"inflight":[1-9]' >/dev/null
}

# package_upgrade VERSION: while streams run; none is hurt.
package_upgrade() {
    local load after
    package_load upgrade 10s 100 &
    package_pids+=($!)
    load=$!
    package_await package_has_streams
    in_root dpkg -i /newer.deb >"$package_root/upgrade.log" 2>&1 || { cat "$package_root/upgrade.log" >&2; package_fail "the upgrade failed"; }
    wait "$load" || package_fail "the load during the upgrade found nobody"
    package_all_good upgrade || package_fail "streams were hurt by the upgrade"
    after=$(in_root dpkg-query -W -f '${Version}' weir)
    [ "$after" = "$1" ] || package_fail "version $after is installed, not $1"
    grep -q "still the old one" "$package_root/upgrade.log" || package_fail "the upgrade does not say that the old program goes on"
}

# Anything of weir's that is left: files, folders, the user.
package_left() {
    find "$package_root" -xdev \( -path "$package_root/proc" -o -path "$package_root/dev" \) -prune -o \
        -path '*weir*' -print | grep -v -e '\.json$' -e '/\(upgrade\.log\|weir\.err\|weir\.deb\|newer\.deb\)$' -e '/run/weir' -e '/var/cache/' -e '/var/log/apt' || true
    grep '^weir:' "$package_root/etc/passwd" "$package_root/etc/group" || true
}

package_life() {
    local file=$1 version=$2 left
    package_step "install"
    cp "$file" "$package_root/weir.deb"
    in_root apt-get -qq update
    in_root apt-get -qq -y --no-install-recommends install /weir.deb >"$package_root/install.log" 2>&1 ||
        { tail -n 30 "$package_root/install.log" >&2; package_fail "the package cannot be installed"; }
    rm -f "$package_root/install.log"
    [ "$(in_root stat -c %U:%G:%a /etc/weir)" = root:weir:750 ] || package_fail "/etc/weir is not weir's alone"
    in_root weir --check -c /etc/weir/weir.cfg >/dev/null
    package_step "start, requests pass"
    package_start
    package_load first 3s 5 || package_fail "no request was answered"
    package_all_good first || package_fail "not all requests were answered well"
    package_step "upgrade with streams open"
    package_newer "$file" "$version+1"
    package_upgrade "$version+1"
    in_root weirctl status | sed -n '1s/^/    /p'
    package_step "end, remove, purge"
    in_root weirctl stop >/dev/null
    in_root apt-get -qq -y remove weir >/dev/null 2>&1
    [ -e "$package_root/etc/weir/weir.cfg" ] || package_fail "remove took the settings away"
    [ ! -e "$package_root/usr/bin/weir" ] || package_fail "remove left the program"
    in_root apt-get -qq -y purge weir >/dev/null 2>&1
    left=$(package_left)
    [ -z "$left" ] || package_fail "this is left after purge: $left"
}

# package_test FILE VERSION
package_test() {
    local port
    [ "$(id -u)" = 0 ] || package_fail "only root can change into another root folder"
    trap package_end EXIT
    # those of the settings as installed; the network is this machine's
    for port in 8000 8080; do
        package_port_is_free $port || package_fail "port $port of 127.0.0.1 is taken"
    done
    package_make_root
    package_life "$@"
    echo "the package can be lived with"
}
