# SPDX-License-Identifier: Apache-2.0
# Debian packages: what each kind of work needs, and installing what is missing.

packages_build=(gcc libc6-dev meson ninja-build pkg-config ccache python3
    libevent-dev libc-ares-dev libssl-dev libnghttp2-dev libconfig-dev libjansson-dev libhiredis-dev libsystemd-dev libseccomp-dev)
packages_unit=(libcriterion-dev)
packages_lint=(git clang-format universal-ctags binutils python3-pytest mandoc systemd)
packages_system=(binutils python3-pytest python3-pytest-xdist python3-h11)
# What single tests use: each of them fails by itself where its tool is missing.
packages_tools=(openssl curl nghttp2-client python3-h2 python3-grpcio nginx-light haproxy socat zsh prometheus chromium chromium-driver
    redis-server python3-selenium python3-yaml)
packages_package=(debhelper dpkg-dev lintian debootstrap)
packages_fuzz=(clang libclang-rt-dev)

# The packages of the list that are not installed.
packages_missing() {
    local have
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' || true)
    printf '%s\n' "$@" | grep -vxF "$have" || true
}

packages_install() {
    local as_root=() log
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "missing: $* (not installable without root)" >&2
            echo "dev: as root: apt-get install --no-install-recommends $*" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    log=$(mktemp)
    if "${as_root[@]}" apt-get update >"$log" 2>&1 &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y \
            --no-install-recommends "$@" >>"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "missing: $* (apt-get could not install)" >&2
    return 1
}

# packages_need WHY PACKAGE...: looks, and installs in one go what is missing.
packages_need() {
    local why=$1 missing
    shift
    if ! command -v dpkg-query >/dev/null; then
        echo "dev: this is no Debian; $why needs what Debian calls: $*" >&2
        return 0
    fi
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} = 0 ] && return 0
    echo "dev: installing, $why: ${missing[*]}"
    packages_install "${missing[@]}"
}

# packages_wish WHY PACKAGE...: installs each that can be had; the others are for the tests to miss.
packages_wish() {
    local why=$1 missing package
    shift
    command -v dpkg-query >/dev/null || return 0
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} = 0 ] && return 0
    packages_need "$why" "${missing[@]}" 2>/dev/null && return 0
    for package in "${missing[@]}"; do
        packages_need "$why" "$package" 2>/dev/null || echo "missing: $package (apt-get could not install)"
    done
}

# The clients' tests start on any node from 18 on, and Debian's is installed where there is none; the newer
# one that the SDKs need comes with their packages.
packages_need_node() {
    local missing=()
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    [ ${#missing[@]} = 0 ] || packages_need "for the clients' tests" "${missing[@]}"
}
