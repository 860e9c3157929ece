# SPDX-License-Identifier: Apache-2.0
# ./dev test: everything that has a verdict, part by part.  Each part runs in a shell of its own with
# its output in build/test-PART.log, adds lines "PASSED FAILED" to the counts, and is shown only if
# something failed.

test_parts=(lint unit sim system clients asan tsan fuzz)
test_python=/usr/bin/python3
test_jobs=4

count() {
    echo "$*" >>"$test_counts"
}

# test_meson FOLDER ARGUMENT...: the tests inside each program are counted.
test_meson() {
    local folder=$1 ok=0
    shift
    rm -f "$folder/meson-logs/testlog.json"
    meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier 5 "$@" || ok=1
    [ ! -e "$folder/meson-logs/testlog.json" ] || count "$("$test_python" tools/counts.py meson "$folder")"
    return $ok
}

# test_pytest NAME BUILD ARGUMENT...
test_pytest() {
    local name=$1 folder=$2 ok=0 report
    shift 2
    report="$PWD/build/test-$name.xml"
    rm -f "$report"
    WEIR_BUILD="$PWD/$folder" "$test_python" -m pytest -q -p no:cacheprovider \
        --junitxml="$report" "$@" || ok=1
    [ ! -e "$report" ] || count "$("$test_python" tools/counts.py junit "$report")"
    return $ok
}

part_lint() {
    local ok=0
    packages_need "to look at the sources" "${packages_lint[@]}"
    build_with_tests
    . tools/lint.sh
    lint_count=count
    dev_lint || ok=1
    test_pytest lint build tests/lint || ok=1
    return $ok
}

part_unit() {
    build_with_tests
    test_meson build --suite unit
}

part_sim() {
    build_with_tests
    test_meson build --suite sim
}

part_system() {
    [ -d tests/system ] || return 0
    packages_need "for the system tests" "${packages_system[@]}"
    packages_wish "for some of the system tests" "${packages_tools[@]}"
    build_with_tests
    test_pytest system build -n $test_jobs tests/system
}

# clients_install FOLDER: its packages from the npm registry, or one line that says what is missing.
clients_install() {
    local log code
    log=$(mktemp)
    if (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    code=$(sed -n 's/^npm \(ERR!\|error\) code //p;T;q' "$log")
    case "$code" in
    EUSAGE | EBADENGINE | EJSONPARSE | EINTEGRITY | ELOCKVERIFY | "")
        tail -n 20 "$log"
        echo "npm ci in $1 failed: ${code:-no code}"
        ;;
    *) echo "missing: the npm registry (npm ci in $1: $code)" ;;
    esac
    rm -f "$log"
    return 1
}

part_clients() {
    local ok=0
    [ -e tests/clients/package.json ] || return 0
    packages_need_node
    packages_wish "to look at pages" chromium openssl
    build_with_tests
    clients_install tests/clients || return 1
    (cd tests/clients && WEIR_BUILD="$OLDPWD/build" npm test) 2>&1 | tee build/clients.out || ok=1
    count "$("$test_python" tools/counts.py node build/clients.out)"
    return $ok
}

# Sanitizers need system calls that weir's sandbox does not let through, and are slow.
part_asan() {
    local ok=0
    packages_need "for the system tests" "${packages_build[@]}" "${packages_unit[@]}" "${packages_system[@]}"
    packages_wish "for some of the system tests" "${packages_tools[@]}"
    build_in build-asan -Db_sanitize=address,undefined -Db_lundef=false
    test_meson build-asan --suite unit || ok=1
    [ ! -d tests/system ] || WEIR_SANDBOX=0 WEIR_SLOW=4 \
        test_pytest asan build-asan -n $test_jobs tests/system || ok=1
    return $ok
}

# The tests in which several threads of weir have something to do with each other.
test_threaded=(relay_streams client_gone gate breaker books process soak)

part_tsan() {
    local files=() t ok=0
    packages_need "for the system tests" "${packages_build[@]}" "${packages_unit[@]}" "${packages_system[@]}"
    packages_wish "for some of the system tests" "${packages_tools[@]}"
    for t in "${test_threaded[@]}"; do
        [ ! -e "tests/system/test_$t.py" ] || files+=("tests/system/test_$t.py")
    done
    build_in build-tsan -Db_sanitize=thread -Db_lundef=false -- weir weirctl weir-bench tests/unit/net/unit-net
    test_meson build-tsan unit-net || ok=1
    WEIR_SANDBOX=0 WEIR_SLOW=6 test_pytest tsan build-tsan -n $test_jobs "${files[@]}" || ok=1
    return $ok
}

part_fuzz() {
    local t ok=0
    . tools/fuzz.sh
    fuzz_configure
    for t in $(fuzz_targets); do
        if tests/fuzz/run 10 build-fuzz "$t"; then
            count 1 0
        else
            count 0 1
            ok=1
        fi
    done
    return $ok
}

sum_counts() {
    awk '{ p += $1; f += $2 } END { printf "%d %d\n", p, f }' "$test_counts"
}

# A part that broke without a count of its own has failed once.
test_part() {
    local part=$1 began=$SECONDS log="build/test-$1.log" status passed failed
    test_counts="$PWD/build/test-$part.counts"
    : >"$test_counts"
    printf '%-8s ' "$part"
    set +e
    (
        set -e
        "part_$part"
    ) >"$log" 2>&1
    status=$?
    set -e
    read -r passed failed < <(sum_counts)
    [ $status = 0 ] || [ "$failed" -gt 0 ] || failed=1
    printf '%5d passed %4d failed %5d s\n' "$passed" "$failed" $((SECONDS - began))
    grep -E '^dev: installing|^missing: |warning:' "$log" | sort -u | sed 's/^/         /' || true
    [ "$failed" = 0 ] || test_show "$log"
    test_passed=$((test_passed + passed))
    test_failed=$((test_failed + failed))
}

test_show() {
    echo "--- the end of $1 ---"
    tail -n 60 "$1"
    echo "---"
}

test_is_part() {
    printf '%s\n' "${test_parts[@]}" | grep -xF -- "$1" >/dev/null
}

dev_test() {
    local part parts=("$@")
    for part in "$@"; do
        test_is_part "$part" || { echo "dev: the parts are: ${test_parts[*]}" >&2; exit 2; }
    done
    [ ${#parts[@]} -gt 0 ] || parts=("${test_parts[@]}")
    test_passed=0 test_failed=0
    mkdir -p build
    for part in "${parts[@]}"; do
        test_part "$part"
    done
    printf '\n%d passed, %d failed\n' "$test_passed" "$test_failed"
    [ "$test_failed" = 0 ]
}
