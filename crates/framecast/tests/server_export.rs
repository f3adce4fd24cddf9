//! Recordings as files to take away, as curl, ffmpeg, Python and the command line get them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::{Value, json};
use server::{Server, eventually, framecast, python, run};

const DOOR: &str = "/cameras/door";

/// A server that recorded its camera for some seconds, to several files, and the time of that: it is over.
fn recorded() -> (Server, f64, f64) {
    let start = framecast();
    let config = format!(
        "[recordings]\npath = {:?}\nmin_free = 0\nsegment = \"1s\"\n\
         [cameras.door]\nsource = \"test\"\nsize = \"160x120\"\nfps = 10\nrecord = \"manual\"\n",
        start.path("recordings")
    );
    let server = start.config(&config).spawn();
    let recording = "/api/v1/cameras/door/recording";
    let answer = server.json("POST", &format!("{recording}/start"), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("a recording", || match frames(&server) {
        30.. => Ok(()),
        few => Err(few.to_string()),
    });
    let answer = server.json("POST", &format!("{recording}/stop"), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("its end", || {
        let spans = spans(&server);
        let is_open = spans.iter().any(|span| span["open"] == true);
        if is_open {
            Err("open".to_owned())
        } else {
            Ok(())
        }
    });
    let spans = spans(&server);
    let (first, last) = (&spans[0], &spans[spans.len() - 1]);
    let start = first["start"].as_f64().unwrap();
    // A last picture may have been on its way to the disk between two segments.
    (server, start - 1.0, last["end"].as_f64().unwrap() + 0.5)
}

fn spans(server: &Server) -> Vec<Value> {
    let view = server.get("/api/v1/cameras/door/recordings/spans").value();
    view["spans"].as_array().unwrap().clone()
}

fn frames(server: &Server) -> u64 {
    let spans = spans(server);
    spans.iter().map(|it| it["frames"].as_u64().unwrap()).sum()
}

fn output(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let output = run(program, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The time and size in bytes of each picture of a video, as ffprobe sees them.
fn packets(path: &Path) -> Vec<(f64, u64)> {
    let path = path.to_str().unwrap();
    let args = [
        "-v",
        "warning",
        "-show_entries",
        "packet=pts_time,size",
        "-of",
        "csv=p=0",
        path,
    ];
    let shown = output("ffprobe", &args);
    let packet = |line: &str| {
        let (time, size) = line.trim_end_matches(',').split_once(',').unwrap();
        (time.parse().unwrap(), size.parse().unwrap())
    };
    shown.lines().map(packet).collect()
}

/// The time in the name and the bytes of each file of an archive, as Python reads it, checksums and all.
fn files(path: &Path) -> Vec<(String, String)> {
    let script = "import sys, zipfile, hashlib\n\
        z = zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        for i in z.infolist(): print(i.filename, z.read(i).hex())";
    let shown = output(python(), &["-c", script, path.to_str().unwrap()]);
    let file = |line: &str| {
        let (name, hex) = line.split_once(' ').unwrap();
        let time = name.split_once('_').unwrap().1.trim_end_matches(".jpg");
        let (day, clock) = time.split_once('T').unwrap();
        (format!("{day}T{}", clock.replace('-', ":")), hex.to_owned())
    };
    shown.lines().map(file).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn download(server: &Server, address: &str, path: &Path) {
    let (url, path) = (server.url(address), path.to_str().unwrap());
    output("curl", &["-sSfo", path, &url]);
}

#[test]
fn a_recording_is_downloaded_as_video_and_archive_with_its_own_pictures_and_times() {
    let (server, from, to) = recorded();
    let count = frames(&server) as usize;
    let span = format!("from={from}&to={to}");
    let (video, archive) = (server.path("door.mp4"), server.path("door.zip"));
    download(&server, &format!("{DOOR}/export.mp4?{span}"), &video);
    download(&server, &format!("{DOOR}/export.zip?{span}"), &archive);

    let (packets, files) = (packets(&video), files(&archive));
    assert_eq!((packets.len(), files.len()), (count, count));
    let seconds = |time: &str| {
        let time = humantime::parse_rfc3339(time).unwrap();
        time.duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
    };
    let first = seconds(&files[0].0);
    for ((pts, size), (time, jpeg)) in packets.iter().zip(&files) {
        assert_eq!(*size as usize, jpeg.len() / 2);
        assert!((seconds(time) - first - pts).abs() < 0.001, "{time} {pts}");
    }
    for (time, jpeg) in files.iter().step_by(7) {
        // Names are cut to a tenth of a millisecond.
        let at = seconds(time) + 0.0002;
        let snapshot = server.get(&format!("{DOOR}/snapshot.jpg?at={at:.4}"));
        assert_eq!(&hex(&snapshot.body), jpeg, "{time}");
    }

    let path = video.to_str().unwrap();
    let decoded = output(
        "ffmpeg",
        &[
            "-v",
            "warning",
            "-i",
            path,
            "-f",
            "framecrc",
            "-fps_mode",
            "passthrough",
            "-",
        ],
    );
    let decoded = decoded.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(decoded.count(), count);
    output("unzip", &["-tqq", archive.to_str().unwrap()]);
    let args = [
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name,width,height",
        "-of",
        "csv=p=0",
        path,
    ];
    assert_eq!(output("ffprobe", &args).trim(), "mjpeg,160,120");
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_was() {
    let (server, from, to) = recorded();
    for kind in ["mp4", "zip"] {
        let address = format!("{DOOR}/export.{kind}?from={from}&to={to}");
        // Until some seconds after its end, pictures of that time may still be on their way.
        let whole = eventually("an end", || {
            let answer = server.get(&address);
            match answer.header("accept-ranges") {
                Some("bytes") => Ok(answer),
                other => Err(format!("{other:?}")),
            }
        });
        let tag = whole.header("etag").unwrap().to_owned();
        let head = server.ask("HEAD", &address, &[], b"");
        assert_eq!(
            head.header("content-length"),
            whole.header("content-length")
        );

        let len = whole.body.len();
        for at in [0, 1, 100, len / 3, len / 2, len - 2000, len - 60, len - 1] {
            let path = server.path(&format!("{at}.{kind}"));
            fs::write(&path, &whole.body[..at]).unwrap();
            let url = server.url(&address);
            output("curl", &["-sSfC", "-", "-o", path.to_str().unwrap(), &url]);
            assert!(fs::read(&path).unwrap() == whole.body, "{kind} from {at}");
            let part = server.ask(
                "GET",
                &address,
                &[("Range", &format!("bytes={at}-{at}"))],
                b"",
            );
            assert_eq!((part.status, &*part.body), (206, &whole.body[at..=at]));
        }
        let range = ("Range", "bytes=5-");
        let other = server.ask("GET", &address, &[range, ("If-Range", "\"other\"")], b"");
        assert_eq!((other.status, other.body.len()), (200, len));
        let same = server.ask("GET", &address, &[range, ("If-Range", &tag)], b"");
        assert_eq!((same.status, same.body.len()), (206, len - 5));
        let beyond = format!("bytes={len}-");
        assert_eq!(
            server
                .ask("GET", &address, &[("Range", &beyond)], b"")
                .status,
            416
        );
        // What is "the last minute" is another at the next request.
        let relative = server.ask("GET", &format!("{DOOR}/export.{kind}"), &[range], b"");
        assert_eq!(relative.status, 200);
        assert_eq!(relative.header("accept-ranges"), Some("none"));
    }
}

#[test]
fn a_time_lapse_has_one_picture_of_each_time_at_a_constant_rate() {
    let (server, from, to) = recorded();
    let every = |every: &str| format!("export.zip?from={from}&to={to}&every={every}");
    let all = server.path("all.zip");
    download(
        &server,
        &format!("{DOOR}/export.zip?from={from}&to={to}"),
        &all,
    );
    let seconds = |(time, _): &(String, String)| {
        let time = humantime::parse_rfc3339(time).unwrap();
        time.duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64()
    };
    let mut slots: Vec<_> = files(&all)
        .iter()
        .map(|it| ((seconds(it) - from) / 0.5) as u64)
        .collect();
    slots.dedup();

    let lapse = server.path("lapse.mp4");
    download(
        &server,
        &format!("{DOOR}/export.mp4?from={from}&to={to}&every=500ms&fps=12.5"),
        &lapse,
    );
    let packets = packets(&lapse);
    assert_eq!(packets.len(), slots.len());
    for (number, (pts, _)) in packets.iter().enumerate() {
        assert!((pts - number as f64 / 12.5).abs() < 1e-4, "{number} {pts}");
    }
    let some = server.path("some.zip");
    download(&server, &format!("{DOOR}/{}", every("500ms")), &some);
    assert_eq!(files(&some).len(), slots.len());
}

#[test]
fn what_makes_no_sense_or_is_not_there_is_said_plainly() {
    let (server, from, to) = recorded();
    for (address, status, why) in [
        (
            format!("door/export.mp4?from={to}&to={from}"),
            400,
            "`to` is not after `from`",
        ),
        (
            "door/export.zip?from=soon".to_owned(),
            400,
            "`from`: `soon` is no time",
        ),
        ("door/export.zip?from=1e300".to_owned(), 400, "is no time"),
        (
            "door/export.mp4?every=0".to_owned(),
            400,
            "`every` is more than 0",
        ),
        (
            "door/export.mp4?fps=30".to_owned(),
            400,
            "`fps` needs `every`",
        ),
        (
            "door/export.mp4?every=1s&fps=1e9".to_owned(),
            400,
            "is no rate",
        ),
        (
            "door/export.mp4?from=1&to=2".to_owned(),
            404,
            "nothing of `door` was recorded",
        ),
        (
            "nobody/export.zip".to_owned(),
            404,
            "nothing of `nobody` was recorded",
        ),
    ] {
        let answer = server.get(&format!("/cameras/{address}"));
        assert_eq!(answer.status, status, "{address}: {}", answer.text());
        assert!(answer.text().contains(why), "{address}: {}", answer.text());
    }
    let all = server.get(&format!("{DOOR}/export.mp4?from=0&to=253402300799"));
    assert_eq!(all.status, 200);
}

#[test]
fn the_command_line_exports_the_same_while_the_server_has_the_store_and_after() {
    let (mut server, from, to) = recorded();
    let whole = server
        .get(&format!("{DOOR}/export.zip?from={from}&to={to}"))
        .body;
    let (folder, file) = (server.path("recordings"), server.path("out.zip"));
    let (from, to) = (from.to_string(), to.to_string());
    let (folder, path) = (folder.to_str().unwrap(), file.to_str().unwrap());
    let program = env!("CARGO_BIN_EXE_framecast");
    let args = [
        "recordings",
        "export",
        "door",
        "--recordings",
        folder,
        "--from",
        &from,
        "--to",
        &to,
        "-o",
        path,
    ];
    for is_running in [true, false] {
        if !is_running {
            server.signal(Signal::TERM);
            server.wait();
        }
        let done = run(program, &args);
        assert!(done.status.success(), "{done:?}");
        assert!(fs::read(&file).unwrap() == whole);
        fs::remove_file(&file).unwrap();
    }
    let missing = [
        "recordings",
        "export",
        "nobody",
        "--recordings",
        folder,
        "-o",
        path,
    ];
    let done = run(program, &missing);
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("nothing of `nobody` was recorded"));
    let left = fs::read_dir(file.parent().unwrap()).unwrap();
    let left = left.map(|it| it.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.contains("out.zip")).count(), 0);
}

#[test]
fn how_far_an_export_is_can_be_asked_by_its_name() {
    let (server, from, to) = recorded();
    let job = |name: &str| format!("/api/v1/cameras/door/exports/{name}");
    let address = format!("{DOOR}/export.zip?from={from}&to={to}");
    let named = format!("{address}&job=to-take-away");
    assert_eq!(server.get(&job("to-take-away")).status, 404);
    // Asking for the length begins none.
    let head = server.ask("HEAD", &named, &[], b"");
    let len: u64 = head.header("content-length").unwrap().parse().unwrap();
    assert_eq!(server.get(&job("to-take-away")).status, 404);

    let file = server.path("door.zip");
    download(&server, &named, &file);
    let view = server.get(&job("to-take-away")).value();
    let expected = json!({
        "job": "to-take-away", "camera": "door", "form": "zip", "pictures": frames(&server),
        "bytes": len, "done_bytes": len, "state": "done", "error": null,
    });
    assert_eq!(view, expected);
    let audited = || {
        let begun = "action=export zip camera=\"door\" result=begun";
        server.log().matches(begun).count()
    };
    eventually("the audit", || match audited() {
        0 => Err(server.log()),
        _ => Ok(()),
    });
    assert_eq!(audited(), 1);

    // Who goes away half way is told of under the same name when he comes back for the rest.
    let url = server.url(&named);
    let slow = [
        "-sSf",
        "--limit-rate",
        "1k",
        "--max-time",
        "2",
        "-o",
        "/dev/null",
    ];
    let broken = run(
        "curl",
        &[&slow[..], &[&url.replace("to-take-away", "a-slow-one")]].concat(),
    );
    assert!(!broken.status.success(), "{broken:?}");
    let view = eventually("its end", || {
        let view = server.get(&job("a-slow-one")).value();
        match view["state"].as_str() {
            Some("running") => Err(view.to_string()),
            _ => Ok(view),
        }
    });
    // A short file may be in the kernel as a whole before anybody has read it.
    let is_short = view["state"] == "done" && view["done_bytes"] == len;
    let broke_off = view["state"] == "failed" && view["error"] == "the download was broken off";
    assert!(is_short || broke_off, "{view}");
    let range = format!("bytes={}-", len - 100);
    let tail = named.replace("to-take-away", "a-slow-one");
    let tag = head.header("etag").unwrap();
    let answer = server.ask("GET", &tail, &[("Range", &range), ("If-Range", tag)], b"");
    assert_eq!((answer.status, answer.body.len()), (206, 100));
    let view = server.get(&job("a-slow-one")).value();
    assert_eq!(
        (&view["state"], &view["done_bytes"]),
        (&"done".into(), &len.into()),
        "{view}"
    );

    for (name, status) in [
        ("short", 404),
        ("..%2f..%2fdoor", 404),
        ("nobody-has-this", 404),
    ] {
        assert_eq!(server.get(&job(name)).status, status, "{name}");
    }
    let bad = server.get(&format!("{address}&job=a+b"));
    assert_eq!(bad.status, 400);
    assert!(
        bad.text().contains("`job`: a name has 8 to 64 letters"),
        "{}",
        bad.text()
    );
}
