//! Golden pairs: the bytes of a site and what is known of it, and the form,
//! the patched bytes and the trampoline that come of them. Refusals too.
#![cfg(feature = "std")]

mod padding;
mod refusals;
mod sites;
mod spans;
mod text;
mod trampolines;
