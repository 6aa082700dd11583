//! Link options of the preloaded object.

fn main() {
    for option in [
        // Our constructor runs before those of other libraries: their calls
        // are seen.
        "-Wl,-z,initfirst",
        // Sites jump into us for good.
        "-Wl,-z,nodelete",
        "-Wl,-z,now",
        "-Wl,-z,relro",
        "-Wl,-z,noexecstack",
        "-Wl,-Bsymbolic",
        // The ends of the section of linked hooks are our own business.
        "-Wl,-z,start-stop-visibility=hidden",
        "-nostartfiles",
        // Executed, the object starts a program.
        "-Wl,-e,usertrap_start",
    ] {
        println!("cargo:rustc-cdylib-link-arg={option}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
