#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# collect.sh PROGRAMS IMAGE: a root folder with weir, weirctl, what they are linked with, and the authorities.
set -eu
programs=$1
image=$2

mkdir -p "$image/usr/bin" "$image/etc/ssl/certs" "$image/etc/weir" "$image/run/weir"
chmod 0700 "$image/run/weir"
chown 65532:65532 "$image/run/weir" 2>/dev/null || true
for program in weir weirctl; do
    cp "$programs/$program" "$image/usr/bin/"
    # "name => /path (address)", and the loader by its path alone
    ldd "$programs/$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p'
done | sort -u | while read -r library; do
    mkdir -p "$image$(dirname "$library")"
    cp -L "$library" "$image$library"
done
printf 'weir:x:65532:65532:weir:/:/sbin/nologin\n' >"$image/etc/passwd"
printf 'weir:x:65532:\n' >"$image/etc/group"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/"
