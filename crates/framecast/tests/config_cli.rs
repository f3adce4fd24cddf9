//! What may be typed, and what it means.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use clap::CommandFactory;
use framecast::{
    cli::{Args, Command},
    config::{self, Config},
    drivers::{Registry, push},
    hub::Linger,
};

fn registry() -> Registry {
    Registry::bundled(&push::Ports::default())
}

/// Resolves a command line in an environment that has only these variables beside the flags' own.
fn load_in(line: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
    let line = ["framecast"].iter().chain(line);
    let args = Args::try_read(line, &registry()).map_err(|error| error.to_string())?;
    let Command::Serve(serve) = args.into_command() else {
        panic!("not serve")
    };
    let given = serve.given_in(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map_or(String::new(), |(_, value)| (*value).to_owned())
    });
    Config::load(&given, &registry()).map_err(|mistakes| mistakes.to_string())
}

fn load(line: &[&str]) -> Config {
    load_in(line, &[]).unwrap()
}

/// `name=source` of each camera.
fn cameras(config: &Config) -> Vec<String> {
    let cameras = config.cameras.iter().map(|camera| &camera.request);
    cameras
        .map(|request| format!("{}={}", request.name, request.source.expose()))
        .collect()
}

#[test]
fn the_flags_are_consistent() {
    Args::command().debug_assert();
}

#[test]
fn without_a_word_there_is_a_test_picture_on_this_machine() {
    let config = load(&[]);
    assert_eq!(cameras(&config), ["camera=test"]);
    assert_eq!(config.listen[0].to_string(), "127.0.0.1:5000");
    assert_eq!(load(&["serve"]), config);
}

#[test]
fn flags_say_everything() {
    let config = load(&[
        "--listen",
        "127.0.0.1:80",
        "-l",
        "[::1]:80",
        "--no-auth",
        "--allow-origin",
        "*",
        "--base-path",
        "/x",
        "--size",
        "320x240",
        "--fps",
        "2.5",
        "--quality",
        "70",
        "--linger",
        "never",
        "--log",
        "debug",
        "--log-json",
    ]);
    assert_eq!(config.listen.len(), 2);
    assert!(config.no_auth && config.log.json);
    assert_eq!((&*config.base_path, &*config.log.filter), ("/x", "debug"));
    assert_eq!(config.allow_origins, ["*"]);
    let camera = &config.cameras[0];
    assert_eq!(camera.request.size.unwrap().width, 320);
    assert_eq!(camera.request.fps, Some(2.5));
    assert_eq!(camera.request.quality, Some(70));
    assert_eq!(camera.policy.linger, Linger::Forever);
}

#[test]
fn flags_win_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("framecast.toml");
    let text = r#"
        listen = "127.0.0.1:1"
        base_path = "/file"
        defaults = { fps = 1, quality = 1 }
        [cameras]
        a = "test"
        b = { source = "test", fps = 3 }
        c = "test"
    "#;
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let config = load(&[
        "-c",
        path,
        "--listen",
        "2",
        "--fps",
        "2",
        "--camera",
        "b=images:x",
        "--camera",
        "d=test",
    ]);
    assert_eq!(config.listen[0].to_string(), "127.0.0.1:2");
    assert_eq!(config.base_path, "/file");
    assert_eq!(
        cameras(&config),
        ["a=test", "b=images:x", "c=test", "d=test"]
    );
    let fps: Vec<_> = config.cameras.iter().map(|c| c.request.fps).collect();
    assert_eq!(fps, [Some(2.0); 4], "the file's `b` is replaced as a whole");
    assert_eq!(
        load(&["-c", path, "--fps", "2"]).cameras[1].request.fps,
        Some(3.0)
    );
    assert_eq!(config.cameras[3].request.quality, Some(1));
    assert_eq!(config.file.as_deref(), Some(Path::new(path)));
}

#[test]
fn a_camera_needs_no_name() {
    let config = load(&[
        "--camera",
        "http://host/video?user=x",
        "--camera",
        "camera2=test",
        "--camera",
        "test",
        "--camera",
        "test#fps=1",
    ]);
    assert_eq!(
        cameras(&config),
        [
            "camera2=test",
            "camera=http://host/video?user=x",
            "camera3=test",
            "camera4=test"
        ]
    );
}

#[test]
fn settings_may_follow_behind_a_hash() {
    let camera = |text: &str| config::camera(text, &registry()).map_err(|why| why.to_string());
    let film = camera("film=file:/srv/a#b.mp4#once=true, fps=30").unwrap();
    assert_eq!(film.request.source.expose(), "file:/srv/a#b.mp4");
    assert_eq!(film.request.options["once"], "true");
    assert_eq!(film.request.fps, Some(30.0));

    for whole in ["http://host/#part", "http://host/#a=b,c=d", "file:x#once"] {
        assert_eq!(camera(whole).unwrap().request.source.expose(), whole);
    }
    for (text, told) in [
        (
            "door=http://host/#fps=10,qualty=80",
            "unknown key `qualty` behind the `#`; did you mean `quality`?",
        ),
        ("x=test#fps=0,fps=1", "`fps` is there twice"),
        ("x=test#fps=0", "`fps`: must be a number above zero, not 0"),
        ("front door=test", "`front door` can't be a camera's name"),
        ("=test", "it is empty"),
        ("", "it has no source"),
    ] {
        let why = camera(text).unwrap_err();
        assert!(why.contains(told), "{text}: {why}");
    }
}

#[test]
fn the_environment_holds_several_cameras() {
    let list = |text| cameras(&load_in(&[], &[("FRAMECAST_CAMERAS", text)]).unwrap());
    assert_eq!(list("a=test; b=test;"), ["a=test", "b=test"]);
    assert_eq!(
        list("\n a=images:x;y\n\n b=test\n"),
        ["a=images:x;y", "b=test"]
    );
    let config = load_in(
        &["--camera", "a=images:x"],
        &[("FRAMECAST_CAMERAS", "a=test;b=test")],
    );
    assert_eq!(cameras(&config.unwrap()), ["a=images:x", "b=test"]);
}

#[test]
fn camera_names_the_driver_of_the_only_one() {
    let with = |driver| load_in(&[], &[("CAMERA", driver)]).map(|config| cameras(&config));
    assert_eq!(with("images:folder").unwrap(), ["camera=images:folder"]);
    assert_eq!(with("").unwrap(), ["camera=test"]);
    assert_eq!(
        with("tset").unwrap_err(),
        "CAMERA: camera `camera`: no driver is called `tset`; did you mean `test`? (there are exec, file, http, https, images, opencv, pi, push, screen, test, v4l2)"
    );
    let config = load_in(&["--camera", "a=test"], &[("CAMERA", "nonsense")]).unwrap();
    assert_eq!(
        cameras(&config),
        ["a=test"],
        "a camera is configured otherwise"
    );
}

#[test]
fn opencv_camera_source_says_what_the_driver_opencv_opens() {
    let with = |driver, source| {
        let variables = [("CAMERA", driver), ("OPENCV_CAMERA_SOURCE", source)];
        load_in(&[], &variables).map(|config| cameras(&config))
    };
    assert_eq!(with("opencv", "").unwrap(), ["camera=opencv:"]);
    assert_eq!(with("opencv", "1").unwrap(), ["camera=opencv:1"]);
    assert_eq!(
        with("opencv", "rtsp://u:pw@cam/live#fps=5").unwrap(),
        ["camera=opencv:rtsp://u:pw@cam/live"]
    );
    assert_eq!(with("opencv:2", "1").unwrap(), ["camera=opencv:2"]);
    assert_eq!(with("test", "1").unwrap(), ["camera=test"]);
}

#[test]
fn all_mistakes_of_a_command_line_are_told_at_once_and_no_password() {
    let line = [
        "--listen",
        "x",
        "--fps",
        "0",
        "--camera",
        "a=htp://u:secret@h/",
        "--camera",
        "a=test",
        "--camera",
        "a=test",
    ];
    let told = load_in(&line, &[]).unwrap_err();
    let told: Vec<_> = told.lines().collect();
    assert!(
        told[0].starts_with("--listen or FRAMECAST_LISTEN: `x` is no address"),
        "{told:?}"
    );
    assert_eq!(
        told[1],
        "--fps or FRAMECAST_FPS: must be a number above zero, not 0"
    );
    assert_eq!(told[2], "--camera (2.): there is another camera named `a`");
    assert!(
        told[4].starts_with("--camera (1.): camera `a`: no driver is called `htp`"),
        "{told:?}"
    );
    assert!(!told.concat().contains("secret"));
}

#[test]
fn what_is_empty_says_nothing() {
    let config = load(&[
        "--listen",
        "",
        "--fps",
        "",
        "--log",
        "",
        "--config",
        "",
        "--allow-origin",
        "",
    ]);
    assert_eq!(config, load(&[]));
}

#[test]
fn help_tells_a_newcomer_which_sources_there_are() {
    for line in [
        &["framecast", "--help"][..],
        &["framecast", "serve", "--help"],
    ] {
        let help = Args::try_read(line, &registry()).unwrap_err().to_string();
        for part in [
            "Usage:",
            "images      the JPEG files of a folder",
            "once=…",
            "Examples:",
            "FRAMECAST_LISTEN",
        ] {
            assert!(help.contains(part), "{part} is missing in\n{help}");
        }
        assert!(!help.contains('\x1b'), "colours are for terminals");
    }
}

#[test]
fn the_other_commands_are_understood() {
    let read = |line: &str| Args::try_read(line.split(' '), &registry()).map(Args::into_command);
    assert!(
        matches!(read("framecast check x.toml"), Ok(Command::Check { file }) if file == Path::new("x.toml"))
    );
    assert!(matches!(
        read("framecast completions bash"),
        Ok(Command::Completions { .. })
    ));
    assert!(matches!(read("framecast openapi"), Ok(Command::Openapi)));
    let Ok(Command::Snapshot(snapshot)) =
        read("framecast snapshot test -o - --size 64x48 --timeout 2s")
    else {
        panic!("no snapshot")
    };
    assert_eq!(
        (snapshot.size.unwrap().width, snapshot.timeout.as_secs()),
        (64, 2)
    );
    let Ok(Command::Probe(probe)) = read("framecast probe http://host/ --seconds 0.5 --json")
    else {
        panic!("no probe")
    };
    assert!(probe.json && probe.seconds.as_millis() == 500);
    for wrong in [
        "snapshot test",
        "snapshot test -o x --quality 0",
        "probe http://h --seconds nan",
        "chekc x",
    ] {
        assert!(read(&format!("framecast {wrong}")).is_err(), "{wrong}");
    }
}
