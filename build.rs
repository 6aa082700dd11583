//! Gives the linker the options of the preloaded object.

fn main() {
    let options = include_str!("link-options").lines();
    for option in options.filter(|line| line.starts_with('-')) {
        println!("cargo:rustc-cdylib-link-arg={option}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=link-options");
}
