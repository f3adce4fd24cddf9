//! x
#![allow(missing_docs)]
pub mod jpeg {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Lenience {
        Strict,
        Pass,
    }
}
