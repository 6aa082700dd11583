#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![cfg_attr(
    any(test, feature = "std"),
    allow(
        dead_code,
        unused_imports,
        reason = "bootstrap and loader are part of the object alone"
    )
)]
#![doc = include_str!("../README.md")]
//!
//! # Module map
//!
//! Arrows point down only: `tools` and `hook` on top, `trap` in the middle,
//! `rewrite` below it, `abi` and `sync` at the bottom; `setup` wires them and
//! nothing imports it.

extern crate alloc;

pub mod abi;
pub mod arm;
pub mod exec;
#[cfg(test)]
mod fuzz;
mod guest;
pub mod hook;
mod image;
pub mod kernel;
mod ledger;
pub mod rewrite;
#[cfg(not(any(test, feature = "std")))]
mod runtime;
pub mod setup;
pub mod tools;
pub mod trap;
