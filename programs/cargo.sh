# cargo build, test and run of a small crate with a build script, a procedural macro and tests that start its program.
# coverage: 99.5 99.8
# needs: cargo cc
# user: root
# modes: rewrite command
# timeout: 180
# processes: 50
(cd "$SRC/crate" && find . -name '*.txt') | while read -r file; do install -D -m 644 "$SRC/crate/$file" "small/${file%.txt}"; done
cd small
export CARGO_TERM_COLOR=never CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=$PWD/target RUSTFLAGS='' CARGO_BUILD_JOBS=2
plain() { sed 's/[0-9.]*s$//; s/-[0-9a-f]\{16\}/-HASH/; /^$/d; s|(/.*)||; s/finished in .*//'; }
under cargo build --offline 2>&1 | plain | sort
TIME=/dev/null under target/debug/small
under cargo test --offline 2>&1 | plain | grep '^test ' | sort
TIME=/dev/null under cargo run -q --offline -- argument || echo "status $?"
echo 'broken' >>src/lib.rs
TIME=/dev/null under cargo build --offline 2>&1 | plain | tail -n 1 || echo "status $?"
