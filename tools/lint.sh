# SPDX-License-Identifier: Apache-2.0
# ./dev lint: what can be told by looking.  The checks are in tests/lint/, each with a test that it
# finds what it looks for.

# Where the verdicts go: nowhere, or to the counts of ./dev test.
lint_count=:

lint_failed=0

lint_sources() {
    git ls-files '*.c' '*.h' | while read -r f; do [ ! -e "$f" ] || echo "$f"; done
}

# lint_check NAME COMMAND...
lint_check() {
    local name=$1
    shift
    if "$@"; then
        $lint_count 1 0
        printf '  %-12s good\n' "$name"
    else
        $lint_count 0 1
        lint_failed=1
        printf '  %-12s BAD\n' "$name"
    fi
}

lint_format() {
    lint_sources | xargs clang-format --dry-run -Werror
}

lint_headers() {
    local h ok=0
    for h in $(git ls-files 'include/*.h'); do
        gcc -D_GNU_SOURCE -std=gnu11 -Iinclude -Wall -Wextra -fsyntax-only -x c "$h" || ok=1
    done
    return $ok
}

lint_reference() {
    build/weir --settings | diff -u docs/settings.md - ||
        { echo "docs/settings.md is not what the table says: build/weir --settings > docs/settings.md"; return 1; }
}

# Every library that meson.build asks for comes from a package that ./dev installs.
lint_packages() {
    local library folder package ok=0
    for library in $(sed -n "s/.*dependency('\([a-z0-9_-]*\)'.*/\1/p" meson.build tests/meson.build |
        grep -v threads); do
        folder=$(pkg-config --variable=pcfiledir "$library" 2>/dev/null) || continue
        package=$(dpkg-query -S "$folder/$library.pc" 2>/dev/null | sed 's/:.*//')
        if [[ " ${packages_build[*]} ${packages_unit[*]} " != *" $package "* ]]; then
            echo "$library comes from $package, which tools/packages.sh does not name"
            ok=1
        fi
    done
    return $ok
}

lint_shell() {
    local f ok=0
    for f in dev tools/*.sh .ci/run; do
        bash -n "$f" || ok=1
        # whoever stops reading ends the writer, and with pipefail now and then the whole line fails
        if grep -nE '\|[^|]*(grep -[a-zA-Z]*q|head -)' "$f" | grep -v "'.*grep -"; then
            echo "$f: a reader that does not read to the end, behind a pipe: grep … >/dev/null, sed -n 1p"
            ok=1
        fi
    done
    return $ok
}

# lint_tidy all: every source; else those that differ from main, or are not committed.
lint_tidy() {
    local files
    packages_need "for clang-tidy" clang-tidy
    if [ "${1:-}" = all ]; then
        files=$(git ls-files '*.c')
    else
        files=$({ git diff --name-only --diff-filter=d main -- '*.c'; git diff --name-only --diff-filter=d -- '*.c'; } | sort -u)
    fi
    [ -z "$files" ] || printf '%s\n' "$files" | grep -v -e '^tests/fuzz/' | xargs -P 2 -n 4 clang-tidy -p build --quiet
}

dev_lint() {
    packages_need "to look at the sources" "${packages_lint[@]}"
    build_with_tests
    lint_check layers /usr/bin/python3 tests/lint/layers.py .
    lint_check rooms /usr/bin/python3 tests/lint/rooms.py .
    lint_check symbols /usr/bin/python3 tests/lint/symbols.py build
    lint_check unused /usr/bin/python3 tests/lint/unused.py build .
    lint_check texts /usr/bin/python3 tests/lint/texts.py .
    lint_check promises /usr/bin/python3 tests/lint/promises.py .
    lint_check fields /usr/bin/python3 tests/lint/fields.py .
    lint_check words /usr/bin/python3 tests/lint/words.py build .
    lint_check headers lint_headers
    lint_check format lint_format
    lint_check settings lint_reference
    lint_check packages lint_packages
    lint_check shell lint_shell
    if [ "${1:-}" = --tidy ]; then
        lint_check tidy lint_tidy "${2:-}"
    fi
    /usr/bin/python3 tests/lint/sizes.py .
    return $lint_failed
}
