//! The files in `packaging` are what they say.

use std::path::Path;

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
