//! JSON of a stranger, as a body or on the WebSocket: what is taken is an object, and nothing else.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;

// These files alone: the whole server would take minutes to build with the fuzzer's instruments.
#[allow(dead_code)]
#[path = "../../crates/framecast/src/web/command.rs"]
mod command;
#[path = "../../crates/framecast/src/web/api/object.rs"]
mod object;

use command::Command;
use object::Object;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[allow(dead_code)]
    size: Option<String>,
}

fuzz_target!(|text: &str| {
    let is_object = text.trim_start().starts_with('{');
    if let Ok(Object(settings)) = serde_json::from_str::<Object<BTreeMap<String, i64>>>(text) {
        assert!(is_object);
        let again = serde_json::to_string(&settings).unwrap();
        let Object(same) = serde_json::from_str::<Object<BTreeMap<String, i64>>>(&again).unwrap();
        assert_eq!(settings, same);
    }
    if serde_json::from_str::<Object<Body>>(text).is_ok() {
        assert!(is_object);
    }
    if let Ok(Command::Watch { camera, .. }) = serde_json::from_str(text) {
        assert!(is_object && camera.len() <= text.len());
    }
});
