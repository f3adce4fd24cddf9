//! Between cameras and sinks (under construction).

mod policy;

pub use policy::{Linger, Policy};
