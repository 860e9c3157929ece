# SPDX-License-Identifier: Apache-2.0
# ./dev fuzz: every target for a while, by tests/fuzz/run, which tells where it leaves what it found.

fuzz_targets() {
    local f
    for f in tests/fuzz/fuzz_*.c; do
        f=${f##*/fuzz_}
        echo "${f%.c}"
    done
}

fuzz_configure() {
    packages_need "to fuzz" "${packages_build[@]}" "${packages_unit[@]}" "${packages_fuzz[@]}"
    [ -e build-fuzz/build.ninja ] || CC=clang build_configure build-fuzz -Dfuzz=true -Dwerror=true \
        -Db_sanitize=address,undefined -Db_lundef=false
}

dev_fuzz() {
    local seconds=${1:-60}
    if ! [[ "$seconds" =~ ^[1-9][0-9]*$ ]]; then
        echo "usage: ./dev fuzz [SECONDS [TARGET ...]]; targets: $(fuzz_targets | tr '\n' ' ')" >&2
        exit 2
    fi
    shift || true
    fuzz_configure
    tests/fuzz/run "$seconds" build-fuzz "$@"
}
