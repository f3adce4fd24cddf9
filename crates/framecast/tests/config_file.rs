//! What a configuration file says, and what is said about its mistakes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, time::Duration};

use framecast::{
    access::{Grant, IpNet, Role},
    config::{self, Config, Limits, Listen, Password, Place},
    drivers::{Registry, push},
    hub::{Linger, Order, Policy},
};
use framecast_camera::Size;
use framecast_media::jpeg::Lenience;

fn registry() -> Registry {
    Registry::bundled(&push::Ports::default())
}

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("framecast.toml"), &registry()).unwrap()
}

/// All mistakes of a file, a line each.
fn mistakes(text: &str) -> Vec<String> {
    Config::parse(text, Path::new("framecast.toml"), &registry())
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_file_says_everything() {
    let config = parse(
        r#"
        listen = ["127.0.0.1:80", "unix:/run/framecast.sock"]
        base_path = "/cameras/"
        allow_hosts = ["Cams.example.org"]
        allow_origins = ["https://example.org/", "*"]
        no_auth = true
        [log]
        level = "info,framecast::hub=debug"
        json = true
        [limits]
        connections = 10
        connections_per_address = 4
        waiting = 0x10
        frame_bytes = "1MiB"
        push_rate = 2.5
        [defaults]
        linger = "1min"
        fps = 5
        [cameras.door]
        source = "http://192.168.1.20/video"
        fps = 12.5
        size = "640x480"
        quality = 80
        linger = "never"
        first_frame = "20s"
        stall = "500ms"
        broken = "pass"
        [cameras.attic]
        source = "file:/srv/film.mp4"
        once = true
        "#,
    );
    assert_eq!(config.listen[0].to_string(), "127.0.0.1:80");
    assert_eq!(config.listen[1], Listen::Unix("/run/framecast.sock".into()));
    assert_eq!(config.base_path, "/cameras");
    assert_eq!(config.allow_hosts, ["cams.example.org"]);
    assert_eq!(config.allow_origins, ["https://example.org", "*"]);
    assert!(config.no_auth && config.log.json);
    assert_eq!(config.log.filter, "info,framecast::hub=debug");
    let limits = Limits {
        connections: 10,
        connections_per_address: 4,
        waiting: 16,
        frame_bytes: 1 << 20,
        push_rate: 2.5,
    };
    assert_eq!(config.limits, limits);
    assert_eq!(config.file.as_deref(), Some(Path::new("framecast.toml")));

    let [door, attic] = &config.cameras[..] else {
        panic!("{:?}", config.cameras)
    };
    assert_eq!(door.request.name, "door");
    assert_eq!(door.request.source.expose(), "http://192.168.1.20/video");
    assert_eq!(door.request.fps, Some(12.5));
    assert_eq!(
        door.request.size,
        Some(Size {
            width: 640,
            height: 480
        })
    );
    assert_eq!(door.request.quality, Some(80));
    let policy = Policy {
        linger: Linger::Forever,
        first_frame: Duration::from_secs(20),
        stall: Duration::from_millis(500),
        broken: Lenience::Pass,
        order: Order::default(),
    };
    assert_eq!(door.policy, policy);
    assert_eq!(attic.request.fps, Some(5.0), "from the defaults");
    assert_eq!(attic.policy.linger, Linger::For(Duration::from_secs(60)));
    assert_eq!(attic.request.options["once"], "true");
}

#[test]
fn an_empty_file_means_the_defaults() {
    let mut config = parse("");
    config.file = None;
    assert_eq!(config, Config::default());
}

#[test]
fn cameras_keep_the_order_of_the_file() {
    let config = parse(
        "[cameras]\nz = 'test'\nb = {source = 'test'}\n[cameras.m]\nsource = 'test'\n[cameras.a]\nsource = 'test'",
    );
    let names: Vec<_> = config.cameras.iter().map(|c| &c.request.name).collect();
    assert_eq!(names, ["z", "b", "m", "a"]);
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_place() {
    let told = mistakes(
        r#"listne = "127.0.0.1:80"
[log]
level = "inof"
[cameras.door]
source = "htp://camera/"
lingr = "10s"
fps = 0
[cameras.attic]
source = "test"
size = "640"
quality = 101
stall = "soon"
"#,
    );
    assert_eq!(
        told,
        [
            "framecast.toml:1:1: unknown key `listne`; did you mean `listen`?",
            "framecast.toml:3:9: `level` in [log]: `inof` is no level: did you mean `info`?, or a filter such as info,framecast::hub=debug",
            "framecast.toml:5:10: camera `door`: no driver is called `htp`; did you mean `http`? (there are exec, file, http, https, images, opencv, pi, push, screen, test, v4l2)",
            "framecast.toml:7:7: `fps` in [cameras.door]: must be a number above zero, not 0",
            "framecast.toml:10:8: `size` in [cameras.attic]: `640` is no size; write width and height like 640x480, up to 16384x16384",
            "framecast.toml:11:11: `quality` in [cameras.attic]: must be a whole number from 1 to 100, not 101",
            "framecast.toml:12:9: `stall` in [cameras.attic]: `soon` is no time; write it like 500ms, 10s or 2min",
        ]
    );
}

#[test]
fn every_wrong_value_is_told_with_what_it_should_be() {
    for (line, told) in [
        ("fps = nan", "above zero, not NaN"),
        ("fps = -1", "above zero, not -1"),
        ("fps = 1e9", "from 0.001 to 240"),
        ("fps = \"10\"", "not a text"),
        ("fps = true", "not true or false"),
        ("quality = 0", "from 1 to 100, not 0"),
        ("quality = 80.5", "not a number"),
        ("quality = 99999999999999999999", ""),
        ("size = 640", "in quotes such as \"640x480\", not a number"),
        ("size = \"0x480\"", "is no size"),
        ("size = \"99999x480\"", "is no size"),
        ("linger = 10", "in quotes such as \"10s\", not a number"),
        ("linger = \"10\"", "neither a time"),
        ("linger = \"99years\"", "a year at most; \"never\""),
        ("stall = \"0s\"", "longer than nothing"),
        ("first_frame = []", "not a list"),
        ("broken = \"keep\"", "\"drop\" or \"pass\""),
        ("broken = 1979-05-27", "not a date"),
        ("lingr = 1", "did you mean `linger`?"),
        ("colour = 1", "there are size, fps"),
        ("once = true", "unknown key `once`"),
    ] {
        let text = format!("[cameras.x]\nsource = \"test\"\n{line}\n");
        let told_is = mistakes(&text);
        assert_eq!(told_is.len(), 1, "{line}: {told_is:?}");
        assert!(told_is[0].starts_with("framecast.toml:3:"), "{told_is:?}");
        assert!(told_is[0].contains(told), "{line}: {told_is:?}");
    }
    for (line, told) in [
        ("listen = \"nowhere\"", "is no address"),
        ("listen = []", "at least one"),
        ("listen = 5000", "not a number"),
        ("listen = [\"5000\", \"127.0.0.1:5000\"]", "twice"),
        ("base_path = \"cameras\"", "is no path"),
        ("base_path = \"/a//b\"", "is no path"),
        ("base_path = \"/../b\"", "is no path"),
        ("allow_hosts = \"http://a.b\"", "is no host name"),
        ("allow_origins = \"example.org\"", "is no origin"),
        (
            "allow_origins = \"https://example.org/path\"",
            "is no origin",
        ),
        ("no_auth = \"yes\"", "true or false"),
        ("log = \"info\"", "[log] on a line of its own"),
        ("cameras = 1", "[cameras] on a line of its own"),
        ("limits.frame_bytes = \"16Mb\"", "a number of bytes"),
        ("limits.frame_bytes = 0", "a number of bytes"),
        ("limits.connections = 0", "from 1 to"),
        ("log.level = \"a[\"", "is no filter"),
        ("cameras.x = 1", "must be a source"),
        ("cameras.x = {}", "`source` in [cameras.x] is missing"),
        (
            "cameras.x.source = 1",
            "`source` in [cameras.x]: must be a text",
        ),
        ("cameras.x = \"\"", "it has no source"),
        ("cameras.x = \"test#fps=2\"", "on lines of their own"),
        (
            "cameras.x = \"admin:secret@10.0.0.1/\"",
            "no driver is called `admin`",
        ),
        (
            "cameras.x = \"10.0.0.1/video\"",
            "must start with what it is",
        ),
        ("cameras.x = \"file:\"", "write `file:PATH`"),
        ("cameras.\"a/b\" = \"test\"", "can't be a camera's name"),
    ] {
        let told_is = mistakes(line);
        assert_eq!(told_is.len(), 1, "{line}: {told_is:?}");
        assert!(told_is[0].contains(told), "{line}: {told_is:?}");
        assert!(!told_is[0].contains("secret"), "{told_is:?}");
    }
}

#[test]
fn broken_syntax_is_told_with_its_line() {
    let told = mistakes("[cameras.x]\nsource = test\n[cameras.y]\nsource = 'test'\n");
    assert!(told[0].starts_with("framecast.toml:2:"), "{told:?}");
    let told = mistakes("[cameras.x]\nsource = 'test'\n[cameras.x]\nsource = 'test'\n");
    assert_eq!(told[0], "framecast.toml:3:10: `x` is there twice");
}

#[test]
fn deep_nesting_is_a_mistake_like_any_other() {
    for text in [
        "x = ".to_owned() + &"[".repeat(100_000),
        "a.".repeat(100_000) + "a = 1",
    ] {
        assert!(!mistakes(&text).is_empty());
    }
}

#[test]
fn a_column_counts_characters() {
    let told = mistakes("cameras.\"ü/ü\" = { source = \"test\", fps = 0 }");
    assert!(told[1].starts_with("framecast.toml:1:42: "), "{told:?}");
}

#[test]
fn a_file_that_cant_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("framecast.toml");
    let told = config::check(&path, &registry()).unwrap_err();
    assert!(told.to_string().contains("framecast.toml: can't be read"));
    std::fs::write(&path, b"listen = \"\xff\"").unwrap();
    let told = config::check(&path, &registry()).unwrap_err();
    assert!(matches!(
        told.iter().next().map(|mistake| &mistake.place),
        Some(Place::File {
            at: Some((1, 11)),
            ..
        })
    ));
    std::fs::write(&path, "cameras.x = 'test'").unwrap();
    let config = config::check(&path, &registry()).unwrap();
    assert_eq!(config.file, Some(path));
}

/// The hash of `correct horse`.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$YFV8A027YtUDTt9Z0YrTJg$d48ly+fDi/Uu0VLlyrEzL66tiXFExEh4jXghH3aziD4";

#[test]
fn users_have_a_role_on_all_cameras_or_on_some() {
    let config = parse(&format!(
        "users.anna = {{role = 'admin', password_hash = '{HASH}'}}
        users.ben = {{role = 'view', cameras = ['door', 'yard'], password_file = 'ben'}}
        users.'c@example.org' = {{role = 'view', cameras = {{door = 'control'}}, password_file = '/x'}}
        trusted_proxies = ['127.0.0.1', '10.1.2.3/8']
        local_role = 'control'
        cameras.door = {{source = 'test', networks = '192.168.1.0/24'}}"
    ));
    let [anna, ben, c] = &config.users[..] else {
        panic!("{:?}", config.users)
    };
    assert_eq!(anna.grant, Grant::everywhere(Role::Admin));
    assert_eq!(anna.password, Password::Hash(HASH.parse().unwrap()));
    let both = ["door".to_owned(), "yard".to_owned()];
    assert_eq!(ben.grant, Grant::only(Role::View, both));
    assert_eq!(c.grant, Grant::only(Role::Control, ["door".to_owned()]));
    let shown = |networks: &[IpNet]| networks.iter().map(IpNet::to_string).collect::<Vec<_>>();
    assert_eq!(
        shown(&config.trusted_proxies),
        ["127.0.0.1/32", "10.0.0.0/8"]
    );
    assert_eq!(shown(&config.cameras[0].networks), ["192.168.1.0/24"]);
    assert_eq!(config.local_role, Some(Role::Control));
    // Neither hash nor anything else of a password is shown.
    assert!(!format!("{config:?}").contains("argon2"));
}

#[test]
fn a_user_who_could_not_log_in_is_a_mistake() {
    for (text, hint) in [
        ("users.anna = {role = 'view'}", "framecast hash-password"),
        ("users.anna = {password_file = 'x'}", "`role` is missing"),
        (
            "users.anna = {role = 'root', password_file = 'x'}",
            "`root` is no role",
        ),
        (
            "users.anna = {role = 'view', password = 'x'}",
            "unknown key `password`",
        ),
        (
            "users.anna = {role = 'view', password_hash = 'secret'}",
            "this is no argon2 hash",
        ),
        (
            "users.anna = {role = 'admin', cameras = 'door', password_file = 'x'}",
            "an admin is one of all cameras",
        ),
        (
            "users.'a:b' = {role = 'view', password_file = 'x'}",
            "can't be a user's name",
        ),
        ("users.anna = 'x'", "must be a table"),
        (
            "cameras.a = {source = 'test', networks = '192.168.1.0/33'}",
            "is no network",
        ),
        ("local_role = 'all'", "`all` is no role"),
    ] {
        let said = mistakes(text);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(hint), "{text}: {said:?}");
        assert!(!said[0].contains("secret"), "{said:?}");
    }
}

#[test]
fn a_reload_tells_what_changed() {
    let old = parse("cameras.a = 'test'\ncameras.b = 'test'\ncameras.c = 'test'");
    let new = parse(
        "listen = '127.0.0.1:1'\ncameras.c = 'test'\ncameras.d = 'test'\ncameras.b = {source = 'test', stall = '9s'}",
    );
    assert!(config::changes(&old, &old).is_empty());
    let changes = config::changes(&old, &new);
    assert_eq!(changes.removed, ["a"]);
    assert_eq!(changes.added, [new.cameras[1].clone()]);
    assert_eq!(changes.changed, [new.cameras[2].clone()]);
    assert_eq!(changes.needs_restart, ["listen"]);
}
