//! Where a camera's frames come from, as the user writes it.

use std::{convert::Infallible, fmt, str::FromStr};

/// A source as typed: a scheme, and what the scheme makes of the rest.
///
/// `test`, `images:FOLDER`, `http://HOST/PATH`: the scheme is what stands before the first colon. [`Display`](fmt::Display)
/// and [`Debug`] hide a password in an address and a value that looks like a secret in its query.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Source {
    text: String,
    /// Bytes of `text` that are the scheme.
    scheme: usize,
}

impl Source {
    /// `http` of `http://camera/`.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme]
    }

    /// What stands behind the scheme's colon; empty if nothing does.
    pub fn rest(&self) -> &str {
        self.text[self.scheme..].strip_prefix(':').unwrap_or("")
    }

    /// The whole as it was typed, secrets included: for the driver, never for a log or an answer.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let text = text.trim();
        Ok(Self {
            scheme: text.find(':').unwrap_or(text.len()),
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scheme())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}
