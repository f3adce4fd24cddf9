//! Where a camera's frames come from, as the user writes it.

use std::{convert::Infallible, fmt, str::FromStr};

use super::redact::{redact_known, secrets};

/// A source as typed: a scheme, and what the scheme makes of the rest.
///
/// `test`, `images:FOLDER`, `http://HOST/PATH`: the scheme is what stands before the first colon. [`Display`](fmt::Display)
/// and [`Debug`] hide a password in an address and the value of a name that sounds like a secret, be it in a query or a
/// command.
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
        f.write_str(&redact_known(&self.text, &secrets(&self.text)))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(text: &str) -> Source {
        let Ok(source) = text.parse();
        source
    }

    #[test]
    fn the_scheme_stands_before_the_first_colon() {
        let address = source(" http://cam:80/ ");
        assert_eq!((address.scheme(), address.rest()), ("http", "//cam:80/"));
        let word = source("test");
        assert_eq!((word.scheme(), word.rest()), ("test", ""));
        let path = source("file:a:b");
        assert_eq!((path.scheme(), path.rest()), ("file", "a:b"));
    }

    #[test]
    fn neither_display_nor_debug_shows_the_password_but_the_driver_gets_it() {
        let source = source("http://me:hidden@cam/?key=alsohidden");
        assert_eq!(source.to_string(), "http://me:***@cam/?key=***");
        assert!(!format!("{source:?}").contains("hidden"));
        assert!(source.expose().contains("me:hidden@cam/?key=alsohidden"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_source(text in any::<String>()) {
            let source = source(&text);
            prop_assert_eq!(source.expose(), text.trim());
            prop_assert!(source.expose().starts_with(source.scheme()));
            prop_assert!(source.expose().ends_with(source.rest()));
            prop_assert_eq!(format!("{source:?}"), format!("Source({source})"));
        }
    }
}
