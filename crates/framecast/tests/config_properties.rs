//! What holds for every text and for every configuration.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

use framecast::{
    config::{self, Camera, Config, Limits, Log, Storage},
    drivers::{Registry, Request, push},
    hub::{Linger, Policy},
    recordings,
    sinks::recorder::{Mode, Plan},
};
use framecast_camera::Size;
use framecast_media::jpeg::Lenience;
use proptest::{collection::vec, option, prelude::*, sample::select};

fn registry() -> Registry {
    Registry::bundled(&push::Ports::default())
}

/// Pieces of a configuration in any order, which come further than letters in any order.
fn soup() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "[cameras",
        ".door",
        "]",
        "[",
        "]]",
        "[[",
        "\n",
        "\n",
        " = ",
        "=",
        ".",
        "source",
        "\"test\"",
        "'http://x'",
        "fps",
        "10",
        "-1",
        "nan",
        "1e999",
        "0x",
        "99999999999999999999",
        "size",
        "\"640x480\"",
        "\"x\"",
        "linger",
        "\"10s\"",
        "\"never\"",
        "listen",
        "\"unix:\"",
        "{",
        "}",
        ",",
        "true",
        "1979-05-27",
        "#",
        "\"\"\"",
        "é",
        "log",
        "level",
        "\"a=[b\"",
        "limits",
        "frame_bytes",
        "\"9999999999999999999GiB\"",
        "\\",
        "\"",
        "'",
        "\r",
        "\u{feff}",
        "once",
    ];
    vec(select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![any::<String>(), soup()]) {
        if let Err(mistakes) = Config::parse(&text, Path::new("x.toml"), &registry()) {
            prop_assert!(mistakes.iter().next().is_some());
            for mistake in mistakes.iter() {
                prop_assert!(!mistake.message.contains('\n'), "{mistake}");
            }
        }
    }

    #[test]
    fn no_text_makes_a_camera_on_one_line_panic(text in prop_oneof![any::<String>(), soup()]) {
        let _ = config::camera(&text, &registry());
    }

    #[test]
    fn every_configuration_is_read_as_it_was_written(config in configurations()) {
        let text = written(&config);
        let read = Config::parse(&text, Path::new("x.toml"), &registry());
        prop_assert_eq!(read.map_err(|mistakes| format!("{mistakes}\n{text}")), Ok(config));
    }
}

fn times() -> impl Strategy<Value = Duration> {
    (1..=300_000_u64).prop_map(Duration::from_millis)
}

fn configurations() -> impl Strategy<Value = Config> {
    let listen = select(vec![
        "127.0.0.1:80",
        "[::1]:80",
        "0.0.0.0:1",
        "unix:/run/a b.sock",
    ]);
    let origins = vec(
        select(vec!["*", "https://a.example", "http://b.example:81"]),
        0..3,
    );
    let limits = (
        (1..9999_usize, 1..9999_usize, 1..9999_usize),
        1..usize::MAX >> 1,
        0.001..1e6,
    );
    let log = (
        select(vec!["info", "warn,framecast::hub=trace"]),
        any::<bool>(),
    );
    let cameras = vec((cameras(), policies(), plans()), 0..6);
    let hosts = vec(select(vec!["*", "cams.example.org", "b"]), 0..3);
    let paths = select(vec!["", "/a", "/a/b-c.d_~"]);
    (
        listen,
        paths,
        any::<bool>(),
        hosts,
        origins,
        limits,
        log,
        (storages(), cameras),
    )
        .prop_map(
            |(listen, base_path, no_auth, hosts, origins, limits, log, (storage, cameras))| {
                Config {
                    listen: vec![listen.parse().unwrap()],
                    base_path: base_path.to_owned(),
                    cameras: distinct(cameras, storage.keep),
                    storage,
                    limits: Limits {
                        connections: limits.0.0,
                        connections_per_address: limits.0.1,
                        waiting: limits.0.2,
                        frame_bytes: limits.1,
                        push_rate: limits.2,
                    },
                    allow_hosts: hosts.into_iter().map(str::to_owned).collect(),
                    allow_origins: origins.into_iter().map(str::to_owned).collect(),
                    no_auth,
                    log: Log {
                        filter: log.0.to_owned(),
                        json: log.1,
                    },
                    file: Some("x.toml".into()),
                    ..Config::default()
                }
            },
        )
}

/// Of cameras with the same name, the first. One that says nothing is kept as long as all.
fn distinct(cameras: Vec<(Request, Policy, Plan)>, keep: Option<Duration>) -> Vec<Camera> {
    let mut kept: Vec<Camera> = Vec::new();
    for (request, policy, mut record) in cameras {
        record.limits.keep = record.limits.keep.or(keep);
        if kept.iter().all(|other| other.request.name != request.name) {
            kept.push(Camera {
                request,
                policy,
                record,
                networks: Vec::new(),
            });
        }
    }
    kept
}

fn cameras() -> impl Strategy<Value = Request> {
    let name = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
    let source = prop_oneof![
        Just("test".to_owned()),
        "images:[ -~é]{0,30}[!-~]".prop_map(|text| text),
        "file:[!-~]{1,30}"
    ];
    let size = option::of((1..=16384_u32, 1..=16384_u32));
    let once = option::of(select(vec!["true", "false", "yes", "off"]));
    (
        name,
        source,
        size,
        option::of(0.001..=240.0),
        option::of(1..=100_u8),
        once,
    )
        .prop_map(|(name, source, size, fps, quality, once)| Request {
            name,
            options: match once {
                Some(once) if source.starts_with("file:") => {
                    BTreeMap::from([("once".to_owned(), once.to_owned())])
                }
                _ => BTreeMap::new(),
            },
            source: source.parse().unwrap(),
            size: size.map(|(width, height)| Size { width, height }),
            fps,
            quality,
        })
}

fn policies() -> impl Strategy<Value = Policy> {
    let linger = prop_oneof![
        Just(Linger::Forever),
        Just(Linger::For(Duration::ZERO)),
        times().prop_map(Linger::For)
    ];
    let broken = select(vec![Lenience::Strict, Lenience::Pass]);
    (linger, times(), times(), broken).prop_map(|(linger, first_frame, stall, broken)| Policy {
        linger,
        first_frame,
        stall,
        broken,
        ..Policy::default()
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let mode = select(vec![Mode::Off, Mode::Always, Mode::Manual]);
    let limits = (option::of(times()), option::of(1..u64::MAX >> 1));
    (mode, times(), limits).prop_map(|(mode, pre_record, (keep, max_size))| Plan {
        mode,
        pre_record,
        limits: recordings::Limits { keep, max_size },
    })
}

fn storages() -> impl Strategy<Value = Storage> {
    let path = option::of(select(vec!["/srv/a b", "here"]));
    let sizes = (option::of(1..u64::MAX >> 1), 0..u64::MAX >> 1);
    (path, option::of(times()), sizes, 1..=3600_u64).prop_map(
        |(path, keep, (max_size, min_free), segment)| Storage {
            path: path.map(Into::into),
            keep,
            max_size,
            min_free,
            segment: Duration::from_secs(segment),
        },
    )
}

/// The configuration as a user would write it.
fn written(config: &Config) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = String::new();
    let mut line = |rest: String| writeln!(text, "{rest}").unwrap();
    line(format!(
        "listen = {}",
        quoted(&config.listen[0].to_string())
    ));
    line(format!("base_path = {}", quoted(&config.base_path)));
    line(format!("allow_hosts = {:?}", config.allow_hosts));
    line(format!("allow_origins = {:?}", config.allow_origins));
    line(format!("no_auth = {}", config.no_auth));
    line(format!(
        "limits.connections = {}",
        config.limits.connections
    ));
    line(format!(
        "limits.connections_per_address = {}",
        config.limits.connections_per_address
    ));
    line(format!("limits.waiting = {}", config.limits.waiting));
    line(format!(
        "limits.frame_bytes = {}",
        config.limits.frame_bytes
    ));
    line(format!("limits.push_rate = {:?}", config.limits.push_rate));
    line(format!("log.level = {}", quoted(&config.log.filter)));
    line(format!("log.json = {}", config.log.json));
    let time = |time| quoted(&humantime::format_duration(time).to_string());
    let storage = &config.storage;
    if let Some(path) = &storage.path {
        let path = quoted(path.to_str().unwrap());
        line(format!("recordings.path = {path}"));
    }
    if let Some(keep) = storage.keep {
        line(format!("recordings.keep = {}", time(keep)));
    }
    if let Some(most) = storage.max_size {
        line(format!("recordings.max_size = {most}"));
    }
    line(format!("recordings.min_free = {}", storage.min_free));
    line(format!("recordings.segment = {}", time(storage.segment)));
    for camera in &config.cameras {
        let Camera {
            request,
            policy,
            record,
            ..
        } = camera;
        line(format!("[cameras.{}]", quoted(&request.name)));
        line(format!("source = {}", quoted(request.source.expose())));
        if let Some(size) = request.size {
            line(format!("size = \"{}x{}\"", size.width, size.height));
        }
        if let Some(fps) = request.fps {
            line(format!("fps = {fps:?}"));
        }
        if let Some(quality) = request.quality {
            line(format!("quality = {quality}"));
        }
        for (option, value) in &request.options {
            line(format!("{option} = {}", quoted(value)));
        }
        line(format!("linger = {}", quoted(&policy.linger.to_string())));
        line(format!("record = {}", quoted(record.mode.as_str())));
        line(format!("pre_record = {}", time(record.pre_record)));
        if let Some(keep) = record.limits.keep {
            line(format!("keep = {}", time(keep)));
        }
        if let Some(most) = record.limits.max_size {
            line(format!("max_size = {most}"));
        }
        line(format!("first_frame = {}", time(policy.first_frame)));
        line(format!("stall = {}", time(policy.stall)));
        line(format!(
            "broken = {}",
            match policy.broken {
                Lenience::Strict => "\"drop\"",
                Lenience::Pass => "\"pass\"",
            }
        ));
    }
    text
}
