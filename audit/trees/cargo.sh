# needs: cargo
# timeout: 200
# cargo build and run of a small crate.
export CARGO_NET_OFFLINE=true
mkdir -p crate/src && cd crate
printf '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n' >Cargo.toml
printf 'fn main() { println!("{:?}", std::process::Command::new("/bin/echo").arg("x").output().unwrap().stdout); }\n' >src/main.rs
cargo run -q
