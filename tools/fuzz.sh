# SPDX-License-Identifier: Apache-2.0
# ./dev fuzz: every target for a while.  What breaks one is left in build-fuzz/found/.

fuzz_targets() {
    sed -n "/^fuzz_targets/,/^}/s/^ *'\([a-z0-9_]*\)'.*/\1/p" tests/fuzz/meson.build
}

fuzz_build() {
    local targets=() t
    packages_need "to fuzz" "${packages_build[@]}" "${packages_unit[@]}" "${packages_fuzz[@]}"
    for t in "$@"; do targets+=("tests/fuzz/fuzz_$t"); done
    CC=clang build_in build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dbuildtype=debugoptimized -- "${targets[@]}"
}

# fuzz_one TARGET SECONDS: new inputs go to a folder of the build, seeds stay as they are.
fuzz_one() {
    local name=$1 seconds=$2 grown="build-fuzz/corpus/$1" log="build-fuzz/$1.log"
    mkdir -p "$grown" build-fuzz/found
    if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        "build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="build-fuzz/found/$name-" "$grown" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        printf '  %-16s %s\n' "$name" "$(grep -o 'Done .*' "$log" | tail -n 1)"
        return 0
    fi
    tail -n 40 "$log"
    echo "  $name: found something, see build-fuzz/found/ and $log"
    return 1
}

dev_fuzz() {
    local seconds=${1:-60} failed=0 names t
    [[ "$seconds" =~ ^[1-9][0-9]*$ ]] || { echo "dev: fuzz [SECONDS [TARGET ...]]" >&2; exit 2; }
    shift || true
    names=("$@")
    [ ${#names[@]} -gt 0 ] || mapfile -t names < <(fuzz_targets)
    fuzz_build "${names[@]}"
    for t in "${names[@]}"; do
        fuzz_one "$t" "$seconds" || failed=1
    done
    return $failed
}
