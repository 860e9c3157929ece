# SPDX-License-Identifier: Apache-2.0
# ./dev soak: tests/system/test_soak.py for so many minutes, under the address sanitizer and then under
# the thread sanitizer.

dev_soak() {
    local minutes=${1:-30} ok=0 kind
    if ! [[ "$minutes" =~ ^[1-9][0-9]*$ ]]; then
        echo "usage: ./dev soak [MINUTES]" >&2
        exit 2
    fi
    packages_need "for the system tests" "${packages_build[@]}" "${packages_system[@]}"
    build_in build-asan -Db_sanitize=address,undefined -Db_lundef=false -- weir weirctl
    build_in build-tsan -Db_sanitize=thread -Db_lundef=false -- weir weirctl
    for kind in asan tsan; do
        echo "soak: $kind for $minutes minutes"
        WEIR_SANDBOX=0 WEIR_SLOW=4 WEIR_SOAK=$((minutes * 60)) WEIR_BUILD="$PWD/build-$kind" \
            /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/system/test_soak.py || ok=1
    done
    return $ok
}
