//! The files in `packaging` are what they say.

use std::{fs, path::Path, process::Command};

use framecast::{
    config::{Config, Limits},
    drivers::{Registry, push},
};

const SAMPLE: &str = include_str!("../../../packaging/framecast.toml");

fn registry() -> Registry {
    Registry::bundled(&push::Ports::default())
}

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("packaging/framecast.toml"), &registry())
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn the_sample_is_the_default_with_a_test_picture() {
    let config = parse(SAMPLE);
    assert_eq!(config.cameras.len(), 1);
    let default = Config {
        cameras: config.cameras.clone(),
        file: config.file.clone(),
        ..Config::default()
    };
    assert_eq!(config, default);
}

#[test]
fn what_the_sample_shows_as_a_comment_is_valid_and_the_default() {
    let text: Vec<&str> = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .collect();
    let config = parse(&text.join("\n"));
    let default = Config::default();
    assert_eq!(config.listen, default.listen);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.log, default.log);
    assert!(!config.no_auth);
    assert_eq!(config.users.len(), 2);
    assert_eq!(config.cameras.len(), 3);
    assert_eq!(config.cameras[0].policy, framecast::hub::Policy::default());
}

/// The number behind `before` in a text.
fn number(text: &str, before: &str) -> f64 {
    let (_, rest) = text.split_once(before).expect(before);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let digits = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    digits.parse().expect(digits)
}

#[test]
fn the_service_is_as_confined_as_the_documentation_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let said = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(root.join("packaging/framecast.service"))
        .output()
        .expect("systemd-analyze, which `tools/setup` installs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let score = number(&said, "Overall exposure level for framecast.service: ");
    let docs = fs::read_to_string(root.join("docs/operating.md")).unwrap();
    let promised = number(&docs, "an exposure of ");
    assert!(
        score <= promised,
        "{score} is more than {promised}:\n{said}"
    );
}
