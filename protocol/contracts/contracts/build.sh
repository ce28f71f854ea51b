#!/bin/sh
# Builds the contracts here from their sources. Needs a Rust compiler with the target
# wasm32-unknown-unknown and a WebAssembly linker, and clang for the C function. On Debian 12:
#   apt-get install rustc libstd-rust-dev-wasm32 lld-14 clang-14
# The committed files were built with these: rustc 1.63.0, LLD 14, clang 14. The compiler of a rustup
# toolchain comes first in PATH, hence the full path.
set -eu
cd "$(dirname "$0")"
RUSTC=${RUSTC:-/usr/bin/rustc}
CLANG=${CLANG:-clang-14}
LINKER=${LINKER:-wasm-ld-14}

for source in *.rs; do
    [ "$source" = sdk.rs ] && continue
    "$RUSTC" --edition 2021 --target wasm32-unknown-unknown --crate-type cdylib \
        -C opt-level=3 -C lto -C panic=abort -C strip=symbols -C linker="$LINKER" \
        -C link-arg=-zstack-size=16384 \
        -o "${source%.rs}.wasm" "$source"
done

"$CLANG" --target=wasm32 -O2 -nostdlib -fno-builtin \
    -Wl,--no-entry -Wl,-zstack-size=16384 -Wl,--strip-all -fuse-ld="$(command -v "$LINKER")" \
    -o crc32.wasm crc32_contract.c crc32.c

cargo run -q -p anthill-contracts --example assemble -- *.wat
