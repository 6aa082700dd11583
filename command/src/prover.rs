//! The rewriter's own code that judges sites, as the library has it: the very
//! same files (`rewrite` is a link to the library's), so that what is said of a
//! file is what would be done.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "the library's files, of which the command uses a part"
)]

#[path = "rewrite/boundary.rs"]
pub mod boundary;
#[path = "rewrite/code.rs"]
pub mod code;
#[path = "rewrite/decide.rs"]
pub mod decide;
#[path = "rewrite/eh_frame.rs"]
pub mod eh_frame;
#[path = "rewrite/padding.rs"]
pub mod padding;
#[path = "rewrite/plan.rs"]
pub mod plan;
#[path = "rewrite/reach.rs"]
pub mod reach;
#[path = "rewrite/refusal.rs"]
pub mod refusal;
#[path = "rewrite/replay.rs"]
pub mod replay;
#[path = "rewrite/site.rs"]
pub mod site;
#[path = "rewrite/span.rs"]
pub mod span;
#[path = "rewrite/trampoline.rs"]
pub mod trampoline;
#[path = "rewrite/vet.rs"]
pub mod vet;
#[path = "rewrite/vma.rs"]
pub mod vma;
