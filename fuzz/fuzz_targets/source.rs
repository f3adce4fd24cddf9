//! A source is read back as it was typed, and never shows the password of an address in it.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The two files alone: the whole server would take minutes to build with the fuzzer's instruments.
#[allow(dead_code)]
#[path = "../../crates/framecast/src/drivers/redact.rs"]
mod redact;
#[path = "../../crates/framecast/src/drivers/source.rs"]
mod source;

use source::Source;

const SECRET: &str = "Xq7ZsecretQ9";

fuzz_target!(|data: (String, String, String)| {
    let (any, scheme, path) = data;
    let Ok(read) = any.parse::<Source>();
    assert_eq!(read.expose(), any.trim());
    assert!(any.contains(read.scheme()) && any.contains(read.rest()));
    let _ = (read.to_string(), format!("{read:?}"));

    if path.contains(SECRET) {
        return;
    }
    let letters: String = scheme
        .chars()
        .filter(char::is_ascii_lowercase)
        .take(8)
        .collect();
    let Ok(read) = format!("{letters}x://user:{SECRET}@host/{path}").parse::<Source>();
    assert!(!read.to_string().contains(SECRET), "{read}");
    assert!(!format!("{read:?}").contains(SECRET));
});
