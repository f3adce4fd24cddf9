//! Programs that log in, and those that have a signed address.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use server::{Server, framecast, python, run};

const PASSWORD: &str = "horse-battery";

fn closed() -> Server {
    framecast()
        .camera("door=test#size=320x240,fps=25")
        .user("anna", PASSWORD, &["--camera", "door"])
        .spawn()
}

/// The address of the stream as programs are given a name and a password.
fn with_password(server: &Server) -> String {
    let url = server.url("/cameras/door/stream.mjpg");
    url.replace("://", &format!("://anna:{PASSWORD}@"))
}

fn signed(server: &Server, action: &str) -> String {
    let url = server.url("");
    server.tell(&["sign", "door", "--action", action, "--url", &url], "")
}

/// Frames that ffmpeg reads in a second of video, or why it reads none.
fn ffmpeg(url: &str) -> Result<usize, String> {
    let args = [
        "-v",
        "error",
        "-i",
        url,
        "-frames:v",
        "20",
        "-f",
        "framehash",
        "-",
    ];
    let output = run("ffmpeg", &args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text.lines().filter(|line| !line.starts_with('#')).count())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The size of the picture that OpenCV reads; empty for none.
fn opencv(url: &str) -> String {
    let script = "import sys, cv2
capture = cv2.VideoCapture(sys.argv[1])
more, picture = capture.read()
print('x'.join(str(side) for side in picture.shape[1::-1]) if more else '')";
    let output = run(python(), &["-c", script, url]);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn ffmpeg_and_opencv_log_in_with_a_name_and_a_password() {
    let server = closed();
    let url = with_password(&server);
    assert_eq!(ffmpeg(&url), Ok(20));
    assert_eq!(opencv(&url), "320x240");
    let refused = ffmpeg(&server.url("/cameras/door/stream.mjpg")).unwrap_err();
    assert!(refused.contains("401"), "{refused}");
    assert_eq!(opencv(&server.url("/cameras/door/stream.mjpg")), "");
}

#[test]
fn ffmpeg_and_opencv_read_a_signed_address() {
    let server = closed();
    let url = signed(&server, "stream");
    assert_eq!(ffmpeg(&url), Ok(20));
    assert_eq!(opencv(&url), "320x240");
    let refused = ffmpeg(&url.replace("signature=", "signature=A")).unwrap_err();
    assert!(refused.contains("403"), "{refused}");
}

#[test]
fn curl_logs_in_in_every_way_there_is() {
    let start = framecast()
        .camera("door=test#size=320x240")
        .user("anna", PASSWORD, &[]);
    let token = start.token("curl", &[]);
    let server = start.spawn();
    let url = server.url("/cameras/door/snapshot.jpg");
    let password = format!("anna:{PASSWORD}");
    let bearer = format!("Authorization: Bearer {token}");
    for (args, works) in [
        (vec!["-u", &password, &url], true),
        (vec!["--anyauth", "-u", &password, &url], true),
        (vec!["-u", "anna:wrong", &url], false),
        (vec!["-H", &bearer, &url], true),
        (vec![&signed(&server, "snapshot")], true),
        (
            vec![&signed(&server, "stream").replace("stream.mjpg", "snapshot.jpg")],
            false,
        ),
        (vec![&url], false),
    ] {
        let output = run("curl", &[&["-sf", "--max-time", "20"], &args[..]].concat());
        assert_eq!(output.status.success(), works, "{args:?}");
        assert_eq!(output.stdout.starts_with(&[0xff, 0xd8]), works, "{args:?}");
    }
}
