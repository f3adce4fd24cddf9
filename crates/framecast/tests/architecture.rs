//! Who may use whom, read off the sources.
//!
//! A module may use what stands behind it in [`MAY_USE`], and itself. Where a change wants more, either it belongs into
//! another module or the table is wrong: change it here, on purpose.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The modules of the server's crate, each with those that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("access", &[]),
    ("drivers", &[]),
    ("hub", &[]),
    ("recordings", &[]),
    ("tls", &[]),
    ("export", &["recordings"]),
    ("playback", &["hub", "recordings"]),
    ("sinks", &["hub", "recordings"]),
    ("catalog", &["drivers", "hub", "recordings", "sinks"]),
    (
        "config",
        &["access", "drivers", "hub", "recordings", "sinks"],
    ),
    (
        "telemetry",
        &["access", "catalog", "hub", "playback", "sinks"],
    ),
    (
        "web",
        &[
            "access",
            "catalog",
            "config",
            "drivers",
            "export",
            "hub",
            "playback",
            "recordings",
            "sinks",
            "telemetry",
        ],
    ),
    (
        "server",
        &[
            "access",
            "catalog",
            "config",
            "drivers",
            "hub",
            "recordings",
            "sinks",
            "telemetry",
            "tls",
            "web",
        ],
    ),
    (
        "embed",
        &[
            "access", "catalog", "config", "drivers", "hub", "sinks", "web",
        ],
    ),
    (
        "cli",
        &[
            "access",
            "catalog",
            "config",
            "drivers",
            "export",
            "hub",
            "playback",
            "recordings",
            "server",
            "sinks",
            "web",
        ],
    ),
    ("main", &["cli"]),
];

/// Crates that only some modules may name.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("axum", &["web", "server", "embed"]),
    ("hyper", &["web"]),
    ("hyper_util", &["web"]),
    ("tower", &["web"]),
    ("tower_http", &["web"]),
    ("maud", &["web/pages", "web/assets.rs"]),
    (
        "serde",
        &[
            "access",
            "config",
            "cli",
            "web/api",
            "web/command.rs",
            "web/socket.rs",
            "web/error.rs",
        ],
    ),
    ("utoipa", &["web/api", "web/error.rs"]),
    ("clap", &["cli"]),
    ("toml", &["config"]),
    ("reqwest", &["drivers/http", "cli/probe.rs"]),
    ("prometheus_client", &["telemetry"]),
    ("rusqlite", &["recordings"]),
    ("anyhow", &["cli"]),
    ("argon2", &["access/password.rs"]),
    ("hmac", &["access/secret.rs"]),
    ("sha2", &["access/secret.rs", "tls"]),
    ("tokio_rustls", &["tls", "web/serve"]),
    ("rcgen", &["tls"]),
    ("x509_parser", &["tls"]),
    ("rpassword", &["cli"]),
];

/// Lines above which a file wants splitting, and above which it is wrong.
const LONG: usize = 400;
const TOO_LONG: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All Rust files below a folder, with their text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What a benchmark of its own was built of is not ours.
            if !path.ends_with("target") {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

/// The text without comments, and without what stands in quotes on one line.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut before = ' ';
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if before != '\\' && before != '\'' => quoted = !quoted,
                '/' if !quoted && chars.peek() == Some(&'/') => break,
                c if !quoted => code.push(c),
                _ => {}
            }
            before = c;
        }
        code.push('\n');
    }
    code
}

/// The first names behind `prefix`, be they alone or in braces.
fn named(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    let ident = |text: &str| -> String {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    for (at, _) in code.match_indices(prefix) {
        let word = code[..at].chars().next_back();
        if word.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(ident(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (index, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    names.push(ident(&list[start..index]));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.push(ident(&list[start..index]));
                    start = index + 1;
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The files of the server's crate by their path below `src`, without their tests' text.
fn own() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&src)
        .into_iter()
        .map(|(path, text)| {
            let path = path.strip_prefix(&src).unwrap().display().to_string();
            let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            (path, code(program))
        })
        .filter(|(path, _)| !path.ends_with("/tests.rs") && !path.contains("/tests/"))
        .collect()
}

fn module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// `crate::` names in a file, `super::` where that leads out of the module, and what the crate root passes on.
fn uses(path: &str, code: &str) -> Vec<String> {
    let mut used = named(code, "crate::");
    let depth = path.matches('/').count();
    // The top of a module is one `super` away from the crate, a submodule two; `mod.rs` counts as its folder.
    let up = depth + usize::from(!path.ends_with("mod.rs") || depth == 0);
    used.extend(named(code, &"super::".repeat(up)));
    used.retain(|name| name != "super");
    used
}

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for (path, code) in own() {
        let module = module(&path);
        if module == "lib" {
            continue;
        }
        let known = MAY_USE.iter().find(|(name, _)| *name == module);
        let Some((_, may_use)) = known else {
            wrong.push(format!("{path}: say in the table what `{module}` may use"));
            continue;
        };
        for name in uses(&path, &code) {
            let is_module = MAY_USE.iter().any(|(module, _)| *module == name);
            if is_module && name != module && !may_use.contains(&name.as_str()) {
                wrong.push(format!("{path} uses `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_module_stands_below_those_that_use_it() {
    for (index, (module, may_use)) in MAY_USE.iter().enumerate() {
        for used in *may_use {
            let below = MAY_USE[..index].iter().any(|(name, _)| name == used);
            assert!(
                below,
                "{module} uses {used}, which is not above it in the table"
            );
        }
    }
}

#[test]
fn what_is_one_modules_business_is_named_nowhere_else() {
    let mut wrong = Vec::new();
    for (path, code) in own() {
        for (library, allowed) in ONLY_IN {
            let inside = allowed.iter().any(|it| {
                path == *it || path == format!("{it}.rs") || path.starts_with(&format!("{it}/"))
            });
            let names_it = !named(&code, &format!("{library}::")).is_empty()
                || code.contains(&format!("use {library};"));
            if names_it && !inside {
                wrong.push(format!("{path} names `{library}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_address_comes_about_without_a_rule() {
    for (path, code) in own() {
        // Only there is a handler tied to an address, together with what one must be allowed to do.
        if !path.starts_with("web/") || path == "web/routes.rs" {
            continue;
        }
        for makes_one in [
            ".route(",
            ".route_service(",
            "Router::new()",
            ".nest(",
            ".nest_service(",
            ".fallback(",
            ".fallback_service(",
            "MethodRouter::",
            "routing::",
        ] {
            assert!(!code.contains(makes_one), "{path}: {makes_one}");
        }
    }
}

#[test]
fn the_driver_contract_and_the_media_crate_know_nothing_of_ours() {
    for name in ["camera", "media"] {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let dependencies = manifest.split("dependencies]").skip(1);
        assert!(dependencies.clone().count() > 0, "{name}");
        for section in dependencies {
            assert!(!section.contains("framecast"), "{name}");
        }
    }
    // No clock, no file, no socket, no runtime where bytes are taken apart.
    for (path, text) in sources(&root().join("crates/media/src")) {
        let code = code(&text);
        for banned in [
            "std::fs",
            "std::net",
            "std::thread",
            "tokio",
            "Instant::now",
            "SystemTime",
        ] {
            assert!(!code.contains(banned), "{}: {banned}", path.display());
        }
    }
}

#[test]
fn there_is_no_unsafe_code() {
    for folder in ["bench", "crates", "examples"] {
        for (path, text) in sources(&root().join(folder)) {
            let code = code(&text);
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert_eq!(
                words.filter(|word| *word == "unsafe").count(),
                0,
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let src = entry.unwrap().path().join("src");
        for (path, text) in sources(&src) {
            let lines = text.lines().count();
            if lines > TOO_LONG {
                wrong.push(format!("{}: {lines} lines", path.display()));
            } else if lines > LONG {
                println!("{} wants splitting: {lines} lines", path.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reader_of_sources_finds_what_it_looks_for() {
    let text = "use crate::{\n    hub::{Feed, web},\n    sinks,\n}; // crate::cli\nlet x = crate::drivers::y(\"crate::config\");\n";
    let code = code(text);
    assert_eq!(named(&code, "crate::"), ["hub", "sinks", "drivers"]);
    assert_eq!(uses("hub/feed.rs", "use super::super::web::App;"), ["web"]);
    assert_eq!(uses("hub/mod.rs", "use super::web::App;"), ["web"]);
    assert_eq!(uses("embed.rs", "use super::web::App;"), ["web"]);
    assert!(uses("hub/feed.rs", "use super::frame::Frame;").is_empty());
}
