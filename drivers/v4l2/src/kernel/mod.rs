//! The one place that speaks to the kernel: its structures, its calls and the memory it shares.
//!
//! All unsafe code is here. What does not belong here: any decision about what to ask the kernel for.

pub(crate) mod abi;
pub(crate) mod call;
mod mapping;

pub(crate) use call::Plain;
pub(crate) use mapping::Mapping;

/// The text in a field that ends with a zero, or is full.
pub(crate) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0);
    let bytes = &field[..end.unwrap_or(field.len())];
    String::from_utf8_lossy(bytes).trim().to_owned()
}
