//! What `execve` does in the kernel, done by us: the formats of executable
//! files, and the layout of their images.

pub mod layout;
pub mod misc;
pub mod script;
