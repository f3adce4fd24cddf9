//! What HTTP serves.

pub mod assets;
pub mod pages;
