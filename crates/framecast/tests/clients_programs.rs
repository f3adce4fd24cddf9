//! Programs that people read streams with, and framecast's own commands.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{fs, process::Command};

use serde_json::Value;
use server::{FRAMECAST, Server, framecast, python, run, serve, size};

const STREAM: &str = "/cameras/camera/stream.mjpg";

/// What a program printed, if it succeeded.
#[track_caller]
fn said(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let output = run(&program, args);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {error}",
        program.as_ref().display()
    );
    String::from_utf8(output.stdout).unwrap()
}

fn script(text: &str, server: &Server, path: &str) -> Value {
    let text = said(python(), &["-c", text, &server.url(path)]);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn ffprobe_and_ffmpeg_read_a_stream() {
    let server = serve(&["test#size=320x240,fps=10"]);
    for path in [STREAM, "/?action=stream"] {
        let url = server.url(path);
        let entries = "stream=codec_name,width,height";
        let text = said(
            "ffprobe",
            &[
                "-v",
                "error",
                "-show_entries",
                entries,
                "-of",
                "csv=p=0",
                &url,
            ],
        );
        assert_eq!(text.trim(), "mjpeg,320,240");
        let log = said(
            "ffmpeg",
            &[
                "-v",
                "error",
                "-xerror",
                "-err_detect",
                "explode",
                "-use_wallclock_as_timestamps",
                "1",
                "-i",
                &url,
                "-frames:v",
                "30",
                "-f",
                "framemd5",
                "-",
            ],
        );
        let frames: Vec<_> = log.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(frames.len(), 30, "{log}");
    }
}

#[test]
fn opencv_reads_pictures_whose_clock_goes_on() {
    let text = r"
import sys, json, time, cv2
capture = cv2.VideoCapture(sys.argv[1])
frames, shapes, changes, last = 0, set(), 0, None
start = time.time()
while frames < 30:
    more, picture = capture.read()
    if not more: break
    frames += 1
    shapes.add(picture.shape)
    if last is not None and (picture != last).any(): changes += 1
    last = picture
print(json.dumps({'frames': frames, 'shapes': list(shapes), 'changes': changes, 'seconds': time.time() - start}))
";
    let server = serve(&["test#size=320x240,fps=10"]);
    let result = script(text, &server, STREAM);
    assert_eq!(result["frames"], 30, "{result}");
    assert_eq!(result["shapes"], serde_json::json!([[240, 320, 3]]));
    // The clock in the picture is never the same twice.
    assert_eq!(result["changes"], 29, "{result}");
    assert!(result["seconds"].as_f64() >= Some(2.0), "{result}");
}

#[test]
fn a_script_that_looks_for_the_marks_of_a_jpeg_reads_a_stream() {
    // As the forums have it: no multipart at all, only SOI and EOI.
    let text = r"
import sys, json, requests, cv2, numpy
stream, rest, frames, shapes = requests.get(sys.argv[1], stream=True, timeout=20), b'', 0, set()
for chunk in stream.iter_content(chunk_size=1024):
    rest += chunk
    start, end = rest.find(b'\xff\xd8'), rest.find(b'\xff\xd9')
    if start != -1 and end != -1:
        picture = cv2.imdecode(numpy.frombuffer(rest[start:end+2], numpy.uint8), cv2.IMREAD_COLOR)
        rest = rest[end+2:]
        shapes.add(picture.shape)
        frames += 1
        if frames == 20: break
print(json.dumps({'frames': frames, 'shapes': list(shapes)}))
";
    let server = serve(&["test#size=320x240"]);
    for dialect in ["program", "browser"] {
        let result = script(text, &server, &format!("{STREAM}?dialect={dialect}"));
        assert_eq!(result["frames"], 20);
        assert_eq!(result["shapes"], serde_json::json!([[240, 320, 3]]));
    }
}

#[test]
fn a_reader_of_the_bare_socket_finds_its_lengths() {
    // What small devices do: HTTP/1.0, split at blank lines, believe Content-Length.
    let text = r"
import sys, json, socket, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
s = socket.create_connection((url.hostname, url.port), timeout=20)
s.sendall(f'GET {url.path} HTTP/1.0\r\n\r\n'.encode())
f = s.makefile('rb')
status = f.readline().decode().split()[1]
while f.readline().strip(): pass
frames = 0
while frames < 20:
    assert f.readline().startswith(b'--')
    length = None
    while line := f.readline().strip():
        if line.lower().startswith(b'content-length:'): length = int(line.split(b':')[1])
    picture = f.read(length)
    assert picture[:2] == b'\xff\xd8' and picture[-2:] == b'\xff\xd9'
    assert f.readline() == b'\r\n'
    frames += 1
print(json.dumps({'status': status, 'frames': frames}))
";
    let server = serve(&["test"]);
    let result = script(text, &server, STREAM);
    assert_eq!(result, serde_json::json!({ "status": "200", "frames": 20 }));
}

#[test]
fn curl_stores_streams_and_pictures() {
    let server = serve(&["test#size=320x240"]);
    let file = server.path("picture.jpg");
    let path = file.display().to_string();
    said(
        "curl",
        &["-fsSo", &path, &server.url("/cameras/camera/snapshot.jpg")],
    );
    assert_eq!(size(&fs::read(&file).unwrap()), (320, 240));
    // Stopped by its own clock (28), not by an error of the transfer.
    let stored = run(
        "curl",
        &["-sS", "--max-time", "2", "-o", &path, &server.url(STREAM)],
    );
    assert_eq!(stored.status.code(), Some(28));
    let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
    assert!(text.matches("\r\nContent-Type: image/jpeg\r\n").count() > 5);
}

#[test]
fn framecast_measures_a_stream() {
    let server = serve(&["test#size=320x240,fps=10", "silent=exec:sleep 1000"]);
    let url = server.url(STREAM);
    let text = said(FRAMECAST, &["probe", &url, "--seconds", "3", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["size"], "320x240");
    assert_eq!(report["broken"], 0);
    assert_eq!(report["repeated"], 0);
    assert!(report["frames"].as_u64() >= Some(8), "{report}");
    let rate = report["frames_per_second"].as_f64().unwrap();
    assert!((3.0..11.0).contains(&rate), "{report}");
    assert!(
        report["age_median_seconds"].as_f64() < Some(1.0),
        "{report}"
    );
    let text = said(FRAMECAST, &["probe", &url, "--seconds", "1"]);
    assert!(text.contains("size           320x240"), "{text}");
    for (path, why) in [("/nowhere", "404"), ("/healthz", "this is no stream")] {
        let output = run(FRAMECAST, &["probe", &server.url(path), "--seconds", "2"]);
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(why) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn framecast_takes_one_picture_of_any_source() {
    let server = serve(&["test#size=320x240"]);
    let file = server.path("picture.jpg");
    let path = file.display().to_string();
    for (source, wanted) in [
        ("test", (640, 480)),
        ("test#size=160x120", (160, 120)),
        (&*server.url(STREAM), (320, 240)),
        (&*server.url("/snapshot"), (320, 240)),
    ] {
        said(FRAMECAST, &["snapshot", source, "-o", &path]);
        assert_eq!(size(&fs::read(&file).unwrap()), wanted, "{source}");
    }
    let output = run(
        FRAMECAST,
        &["snapshot", "test", "-o", "-", "--size", "64x48"],
    );
    assert!(output.status.success());
    assert_eq!(size(&output.stdout), (64, 48));
    let pid = server.path("pid").display().to_string();
    let silent = format!("exec:echo $$ > {pid}; sleep 1000");
    for (args, why) in [
        (&["http://127.0.0.1:9/"][..], "can't be reached"),
        (&[&*silent], "no picture within 1s"),
        (&["tset"], "tset"),
        (&["v4l2:/dev/video0"], "v4l2"),
    ] {
        let line = [&["snapshot", "-o", "-", "--timeout", "1s"], args].concat();
        let output = run(FRAMECAST, &line);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(output.stdout.is_empty());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(why), "{args:?}: {error}");
    }
    let pid = fs::read_to_string(pid).unwrap();
    let left = fs::exists(format!("/proc/{}", pid.trim())).unwrap();
    assert!(!left, "the camera's command goes on");
    let output = run(
        FRAMECAST,
        &["snapshot", "test", "-o", "/no/such/folder/x.jpg"],
    );
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && error.contains("/no/such/folder/x.jpg"),
        "{error}"
    );
}

#[test]
fn framecast_finds_mistakes_before_it_starts() {
    let check = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cameras.toml");
        fs::write(&path, text).unwrap();
        Command::new(FRAMECAST)
            .arg("check")
            .arg(path)
            .output()
            .unwrap()
    };
    let right = check("[cameras.a]\nsource = \"test\"\n[cameras.b]\nsource = \"push\"\n");
    assert_eq!(right.status.code(), Some(0));
    let text = String::from_utf8(right.stdout).unwrap();
    assert!(
        text.ends_with("cameras.toml is right: 2 cameras\n"),
        "{text}"
    );
    let wrong = check("lisen = \"1\"\n[cameras.a]\nsource = \"tset\"\nfps = \"x\"\n");
    assert_eq!(wrong.status.code(), Some(1));
    let text = String::from_utf8(wrong.stderr).unwrap();
    for (place, hint) in [
        ("cameras.toml:1:1", "listen"),
        ("cameras.toml:3:10", "test"),
        ("cameras.toml:4:7", "fps"),
    ] {
        let line = text.lines().find(|line| line.contains(place));
        assert!(
            line.is_some_and(|line| line.contains(hint)),
            "{place}: {text}"
        );
    }
    let missing = framecast().arg("check").arg("nothing.toml").output();
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .contains("nothing.toml")
    );
}
