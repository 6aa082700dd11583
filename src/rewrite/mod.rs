//! Sites and what is written over them. `site`, `decide`, `trampoline`,
//! `eh_frame`, `frames` and `vma` are pure: bytes in, decisions out.

pub mod boundary;
pub mod code;
pub mod decide;
pub mod eh_frame;
pub mod frames;
pub(crate) mod load;
pub(crate) mod lock;
pub(crate) mod maps;
mod module;
pub mod padding;
pub mod plan;
pub(crate) mod position;
pub mod reach;
pub mod refusal;
pub mod registry;
pub mod replay;
pub(crate) mod reroute;
pub(crate) mod rewriter;
mod shadow;
pub mod site;
pub mod span;
pub(crate) mod table;
pub mod trampoline;
pub mod vet;
pub(crate) mod vetted;
pub mod vma;
pub(crate) mod warm;
pub(crate) mod writer;
