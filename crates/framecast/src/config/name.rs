use thiserror::Error;

/// The longest name that a camera may have.
const LONGEST: usize = 64;

/// Why a text can't be a camera's name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` can't be a camera's name: {why}", .name.escape_debug())]
pub struct BadName {
    name: String,
    why: &'static str,
}

/// Checks a camera's name: it stands in addresses, file names and metrics, so it must need no escaping in any of them.
///
/// # Errors
/// [`BadName`] says what a name is made of.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > LONGEST {
        "it is longer than 64 characters"
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it must start with a letter from a to z or a digit"
    } else if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    {
        "only the letters a to z, digits, `.`, `_` and `-` can be in it"
    } else {
        return Ok(());
    };
    Err(BadName {
        // An address in a name's place may hold a password.
        name: match name.split_once("://") {
            Some((scheme, _)) => format!("{}://…", start(scheme)),
            None => start(name),
        },
        why,
    })
}

/// As much of a text as a name may have.
fn start(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_digits_and_a_few_marks() {
        for good in ["a", "0", "front-door", "Cam_2.left", &"x".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            ".hidden",
            "-x",
            "a b",
            "a/b",
            "a:b",
            "tür",
            "a\n",
            &"x".repeat(65),
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
