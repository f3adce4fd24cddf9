//! Hides the secrets in a text that may hold any: an address, a command, what a program prints.
//!
//! It errs on the side of hiding. A text without secrets comes out as it went in.

use std::{ops::Range, path::Path};

/// What stands in a secret's place.
const MASK: &str = "***";

/// Parts of a name that make its value a secret, wherever in the name they stand.
const TELLTALE: [&str; 8] = [
    "pass",
    "pwd",
    "token",
    "secret",
    "auth",
    "cred",
    "signature",
    "cookie",
];

/// Names, or last words of one, that make its value a secret.
const TELLTALE_ENDS: [&str; 6] = ["key", "sig", "pas", "psk", "hmac", "pw"];

/// A path as it may be shown.
pub(super) fn shown(path: &Path) -> String {
    redact(&path.display().to_string())
}

/// The secrets in a text, to be hidden in what others say of it: those that are long enough not to be a word by chance.
pub(super) fn secrets(text: &str) -> Vec<String> {
    const LEAST: usize = 4;
    let found = found(text).into_iter().map(|secret| &text[secret]);
    let long = found.filter(|secret| secret.len() >= LEAST);
    long.map(str::to_owned).collect()
}

/// The text with each secret in it replaced by [`MASK`], and with each of the `known` ones wherever it stands.
pub(super) fn redact_known(text: &str, known: &[String]) -> String {
    let text = redact(text);
    known
        .iter()
        .fold(text, |text, secret| text.replace(secret, MASK))
}

/// The text with each secret in it replaced by [`MASK`].
pub(crate) fn redact(text: &str) -> String {
    let secrets = found(text);
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets {
        // Overlapping secrets are hidden as one.
        if secret.start >= done {
            shown.push_str(&text[done..secret.start]);
            shown.push_str(MASK);
        }
        done = done.max(secret.end);
    }
    shown.push_str(&text[done..]);
    shown
}

/// Where the secrets of a text stand, in their order; they may overlap.
fn found(text: &str) -> Vec<Range<usize>> {
    let mut secrets = passwords(text);
    secrets.extend(values(text));
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| secret.start);
    secrets
}

/// The passwords of `scheme://user:password@host`, and of curl's `-u user:password`.
fn passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let word = word_at(text, start);
        let Some(colon) = word.find(':') else {
            continue;
        };
        // Strictly, the user's part ends at the first slash. A password typed with a slash in it is hidden all the same,
        // unless the colon stands before a port.
        let strict = word.find(['/', '?', '#']).unwrap_or(word.len());
        let port = &word[colon + 1..strict.max(colon + 1)];
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        let end = if colon > strict || is_port {
            strict
        } else {
            word.len()
        };
        if let Some(at) = word[..end].rfind('@').filter(|at| *at > colon) {
            found.push(start + colon + 1..start + at);
        }
    }
    for flag in ["-u ", "--user "] {
        for (at, flag) in text.match_indices(flag) {
            let start = at + flag.len();
            let word = word_at(text, start);
            if let Some((user, password)) = word.split_once(':') {
                let start = start + user.len() + 1;
                found.push(start..start + password.len());
            }
        }
    }
    found
}

/// The values of names that tell of a secret: `name=value`, `name: value` as in a header, `--name value` as in a command.
fn values(text: &str) -> Vec<Range<usize>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '%');
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(is_name) {
        let start = from + at;
        let name: &str = &text[start..];
        let name = &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())];
        let end = start + name.len();
        from = end;
        if !is_telltale(name) {
            continue;
        }
        let rest = &text[end..];
        if rest.starts_with('=') {
            found.push(value_at(text, end + 1));
        } else if rest.starts_with(": ") {
            // A header's value may have several words: it ends with the quotes around it, or with the line.
            let line = &text[end..];
            let length = line.find(['"', '\'', '\n']).unwrap_or(line.len());
            found.push(end + 2..end + length.max(2));
        } else if name.starts_with('-') && rest.starts_with(' ') && !rest.starts_with(" -") {
            found.push(value_at(text, end + 1));
        }
    }
    found
}

fn is_telltale(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TELLTALE.iter().any(|part| name.contains(part))
        || TELLTALE_ENDS.iter().any(|end| name.ends_with(end))
}

/// The value that starts at `start`: up to its closing quote if it has an opening one, else to the next separator.
fn value_at(text: &str, start: usize) -> Range<usize> {
    let value = &text[start..];
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let length = quoted.find(quote).unwrap_or(quoted.len());
            return start + 1..start + 1 + length;
        }
    }
    let length = value.find(|c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\''));
    start..start + length.unwrap_or(value.len())
}

/// What stands at `start` up to a space or quote.
fn word_at(text: &str, start: usize) -> &str {
    let word = &text[start..];
    let end = word.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    &word[..end.unwrap_or(word.len())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_a_camera_may_have_them() {
        for (text, shown) in [
            ("http://u:pw@cam/v", "http://u:***@cam/v"),
            ("http://u:p@w@cam/v", "http://u:***@cam/v"),
            ("http://u:p/w@cam/v", "http://u:***@cam/v"),
            ("http://u:1/w@cam", "http://u:1/w@cam"),
            ("http://:pw@cam", "http://:***@cam"),
            (
                "http://cam/?user=a&pwd=b&x=1",
                "http://cam/?user=a&pwd=***&x=1",
            ),
            (
                "http://cam/?loginuse=a&loginpas=b",
                "http://cam/?loginuse=a&loginpas=***",
            ),
            ("http://cam/v?apiKey=b#f", "http://cam/v?apiKey=***"),
            (
                "exec:curl -u me:pw http://cam",
                "exec:curl -u me:*** http://cam",
            ),
            ("exec:get --password hidden x", "exec:get --password *** x"),
            ("exec:get --password=hidden x", "exec:get --password=*** x"),
            ("exec:PASSWORD='a b' get", "exec:PASSWORD='***' get"),
            (
                "exec:curl -H 'X-Api-Key: a b' c",
                "exec:curl -H 'X-Api-Key: ***' c",
            ),
        ] {
            assert_eq!(redact(text), shown);
        }
    }

    #[test]
    fn what_holds_no_secret_is_left_alone() {
        for text in [
            "test",
            "images:/srv/pictures",
            "file:/tmp/a@b:c.mp4",
            "http://cam:8080/video?fps=5",
            "http://cam:8080/@home",
            "http://user@cam/",
            "http://user:@cam/",
            "http://[::1]:80/x",
            "exec:ffmpeg -i /dev/video0 -f mpjpeg -",
            "exec:monkeys --keyframes 3",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_shown_without_a_panic(text in any::<String>()) {
            redact(&text);
        }

        #[test]
        fn a_text_without_marks_is_shown_as_it_is(text in "[a-z0-9 /.:+#'\"-]{0,40}") {
            prop_assume!(!values(&text).iter().any(|value| !value.is_empty()));
            prop_assume!(!text.contains("-u ") && !text.contains("-user "));
            prop_assert_eq!(redact(&text), text);
        }

        #[test]
        fn a_password_in_an_address_is_never_shown(
            before in "[a-z:/ '=]{0,10}", user in "[a-z0-9.]{0,8}", secret in "[A-Z][A-Z0-9@:/?#&=%!$]{0,10}S3CRET", after in "[a-z0-9/?&=:@]{0,12}",
        ) {
            let shown = redact(&format!("{before}rtsp://{user}:{secret}@host{after}"));
            prop_assert!(!shown.contains("S3CRET"), "{}", shown);
        }

        #[test]
        fn the_value_of_a_secret_sounding_name_is_never_shown(
            before in "[a-z:/&?;=-]{0,10}", name in "(password|PASS|pwd|access_token|api-key|key|secret|auth|sig)", secret in "[A-Z0-9@:/?#=;,%]{0,10}S3CRET", after in "(&[a-z=]{0,5})?",
        ) {
            let shown = redact(&format!("{before}?{name}={secret}{after}"));
            prop_assert!(!shown.contains("S3CRET"), "{}", shown);
        }
    }
}
