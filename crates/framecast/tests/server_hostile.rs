//! What scanners send: all addresses with hostile names, values, methods and heads. Nothing fails, shows a file, or gives
//! back what was sent in a form that could be taken for something else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    time::Duration,
};

use framecast::{
    catalog::Catalog,
    config::Limits,
    drivers::{Registry, push},
    web::{self, App},
};
use server::{Answer, Open, Server, framecast, serve};
use tokio_util::sync::CancellationToken;

/// What stands in the place of a name or a value, as it is on the wire.
const HOSTILE: [&str; 22] = [
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "..%5c..%5cetc%5cpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "%c0%ae%c0%ae%c0%af",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "exec:id",
    "%0d%0aX-Injected:%20yes",
    "%0d%0a%0d%0a%3Cscript%3Ealert(1)%3C%2fscript%3E",
    "%3Cscript%3Ealert(1)%3C%2fscript%3E",
    "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
    "'%20OR%20'1'='1",
    "%00",
    "a%00.jpg",
    "%ff%fe",
    "%",
    "%zz",
    "$%7bjndi:ldap:%2f%2fx%7d",
    "%F0%9F%93%B7%E2%80%AE",
    "99999999999999999999999999",
    "-1",
];

/// The addresses, with a place for a name or a value.
const ADDRESSES: [&str; 26] = [
    "/{}",
    "/{}/",
    "/?action={}",
    "/?action=stream_{}",
    "/cameras/{}",
    "/cameras/{}/",
    "/cameras/{}/stream.mjpg",
    "/cameras/{}/snapshot.jpg",
    "/cameras/{}/push",
    "/cameras/camera/{}",
    "/cameras/camera/stream.mjpg?dialect={}",
    "/cameras/camera/snapshot.jpg?width={}&max_age={}",
    "/assets/{}",
    "/api/v1/{}",
    "/api/v1/cameras/{}",
    "/api/v1/cameras/{}/controls",
    "/api/{}",
    "/api/{}/latest.jpg",
    "/api/stream.mjpeg?src={}",
    "/api/frame.jpeg?src={}",
    "/snapshot?camera={}",
    "/video_feed?fps={}",
    "/state?camera={}",
    "/webcam/?action={}",
    "/{}/mjpg/stream",
    "/{}/static/stream",
];

const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND",
];

/// What is true of every answer.
fn is_harmless(answer: &Answer, request: &str) {
    let told = format!("{request}\n{:?}\n{}", answer.headers, answer.text());
    assert!(answer.status < 500, "{told}");
    let kind = answer.header("content-type").unwrap_or_default();
    let text = answer.text();
    for file in ["root:x:0", "[package]", "uid="] {
        assert!(!text.contains(file), "{told}");
    }
    assert_eq!(answer.header("x-injected"), None, "{told}");
    for name in ["server", "x-powered-by", "via"] {
        assert_eq!(answer.header(name), None, "{told}");
    }
    // An answer without anything in it is the parser's own: the request never became one.
    if answer.status != 400 || !answer.body.is_empty() {
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{told}"
        );
        assert!(answer.header("referrer-policy").is_some(), "{told}");
    }
    if kind.starts_with("text/html") {
        assert!(
            !text.contains("<script>") && !text.contains("<img src=x"),
            "{told}"
        );
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for part in ["default-src 'none'", "script-src 'self'"] {
            assert!(policy.contains(part), "{told}");
        }
        // The login page is in nobody's frame, not even the server's own.
        let framed = ["frame-ancestors 'self'", "frame-ancestors 'none'"];
        assert!(framed.iter().any(|part| policy.contains(part)), "{told}");
    }
    if kind.starts_with("text/plain") {
        let line = text.strip_suffix('\n').unwrap_or(&text);
        assert!(!line.contains(char::is_control), "{told}");
    }
}

/// Asks, and reads an answer that ends.
fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut open = server.open(method, path, headers, b"");
    let endless = open
        .header("content-type")
        .is_some_and(|it| it.starts_with("multipart/"));
    if !endless && method != "HEAD" {
        open.rest.read_to_end(&mut open.head.body).unwrap();
    }
    open.head
}

#[test]
fn hostile_names_and_values_are_refused_at_every_address() {
    let server = serve(&["test#size=64x48,fps=5"]);
    for address in ADDRESSES {
        for hostile in HOSTILE {
            let path = address.replace("{}", hostile);
            for method in METHODS {
                let answer = ask(&server, method, &path, &[("X-Secret", "Xq7Z")]);
                is_harmless(&answer, &format!("{method} {path}"));
                assert!(
                    !answer.text().contains("Xq7Z"),
                    "{method} {path} echoes headers"
                );
            }
        }
    }
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn no_method_but_the_known_does_anything() {
    let server = serve(&["test#size=64x48,fps=5"]);
    for path in [
        "/",
        "/cameras/camera/",
        "/video_feed",
        "/api/v1/cameras",
        "/metrics",
        "/assets/page.js",
    ] {
        for method in ["TRACE", "PROPFIND", "DELETE", "PURGE", "DEBUG", "get"] {
            let answer = ask(&server, method, path, &[]);
            assert_eq!(answer.status, 405, "{method} {path}");
            is_harmless(&answer, &format!("{method} {path}"));
        }
    }
    assert_eq!(server.camera("camera")["name"], "camera");
}

/// The paths of all addresses that the router knows, with `{name}` for what varies, and one that it does not know.
fn paths() -> BTreeSet<String> {
    let ports = push::Ports::default();
    let catalog = Catalog::new(Registry::bundled(&ports), ports);
    let stop = CancellationToken::new();
    let app = App::new(catalog, Limits::default(), Vec::new(), stop);
    let rules = web::rules(&app).into_iter().map(|rule| rule.path);
    rules.chain(["/nothing/here".to_owned()]).collect()
}

/// A path with this in the place of all that varies.
fn filled(path: &str, with: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('{') {
        filled += before;
        filled += with;
        rest = behind.split_once('}').expect("a name in braces").1;
    }
    filled + rest
}

#[test]
fn every_address_of_the_router_answers_all_methods_in_good_order() {
    let open = serve(&["test#size=64x48,fps=5"]);
    let closed = framecast()
        .camera("test#size=64x48,fps=5")
        .user("anna", "correct horse battery", &["--role", "admin"])
        .spawn();
    let paths = paths();
    assert!(paths.len() > 40, "{paths:?}");
    for path in &paths {
        for with in [
            "camera",
            "..%2f..%2fetc%2fpasswd",
            "%3Cscript%3Ealert(1)%3C%2fscript%3E",
        ] {
            let path = filled(path, with);
            for method in ["GET", "HEAD", "OPTIONS", "TRACE", "TRACK"] {
                for server in [&open, &closed] {
                    let request = format!("{method} {path}");
                    let answer = ask(server, method, &path, &[("X-Secret", "Xq7Z")]);
                    is_harmless(&answer, &request);
                    assert!(!answer.text().contains("Xq7Z"), "{request} echoes");
                    if !matches!(method, "GET" | "HEAD") {
                        // Preflights of other sites are answered with what no site may do.
                        let harmless = [200, 401, 403, 404, 405];
                        assert!(
                            harmless.contains(&answer.status),
                            "{request}: {}",
                            answer.status
                        );
                        assert_eq!(answer.header("access-control-allow-origin"), None);
                        assert!(method == "OPTIONS" || answer.status != 200, "{request}");
                    }
                }
            }
        }
    }
    // What a GET asks for, a HEAD describes.
    for path in [
        "/",
        "/cameras/camera/",
        "/assets/page.js",
        "/metrics",
        "/api/v1/cameras",
    ] {
        let (get, head) = (ask(&open, "GET", path, &[]), ask(&open, "HEAD", path, &[]));
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in [
            "content-type",
            "content-security-policy",
            "x-content-type-options",
        ] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    for server in [&open, &closed] {
        assert!(!server.log().contains("panicked"), "{}", server.log());
    }
}

#[test]
fn hosts_that_are_not_the_servers_are_refused_however_they_are_named() {
    let server = serve(&["test#size=64x48,fps=5"]);
    let own = server.address.to_string();
    for (line, hosts, status) in [
        ("GET / HTTP/1.1", &["evil.example"][..], 421),
        ("GET / HTTP/1.1", &[&own, "evil.example"], 400),
        ("GET / HTTP/1.1", &["evil.example", &own], 400),
        ("GET / HTTP/1.1", &["127.0.0.1.evil.example"], 421),
        ("GET / HTTP/1.1", &["evil.example@127.0.0.1"], 421),
        ("GET http://evil.example/ HTTP/1.1", &[&own], 421),
        ("GET http://evil.example/ HTTP/1.1", &[], 421),
        ("GET http://localhost/ HTTP/1.1", &[&own], 200),
        ("GET //evil.example/ HTTP/1.1", &[&own], 404),
        ("CONNECT evil.example:80 HTTP/1.1", &[&own], 421),
        ("GET / HTTP/1.0", &[], 200),
    ] {
        let mut request = format!("{line}\r\nConnection: close\r\n");
        for host in hosts {
            request += &format!("Host: {host}\r\n");
        }
        let answer = answer(&all(&server, format!("{request}\r\n").as_bytes()));
        assert_eq!(answer.status, status, "{request}{}", answer.text());
        is_harmless(&answer, &request);
    }
}

/// The answer among these bytes.
fn answer(said: &str) -> Answer {
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let mut words = lines.next().unwrap().split(' ');
    let version = words.next().unwrap().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        version,
        status: words.next().unwrap().parse().unwrap(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: body.into(),
    }
}

/// Sends bytes as they are, and reads all that comes until the server closes or has no more to say.
fn all(server: &Server, request: &[u8]) -> String {
    let mut socket = server.connect();
    // It may close before it has read all of it.
    let _sent = socket.write_all(request);
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut piece) {
        said.extend_from_slice(&piece[..count]);
        socket
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn requests_that_two_programs_could_read_differently_are_refused() {
    let server = serve(&["test#size=64x48,fps=5", "door=push"]);
    let post = "POST /api/v1/cameras HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let hidden = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (what, request) in [
        (
            "two lengths",
            format!("{post}Content-Length: 2\r\nContent-Length: 80\r\n\r\n{{}}{hidden}"),
        ),
        (
            "a length that is none",
            format!("{post}Content-Length: +2\r\n\r\n{{}}{hidden}"),
        ),
        (
            "a length and chunks",
            format!(
                "{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        (
            "chunks and a length",
            format!(
                "{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        (
            "chunks not last",
            format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a coding of its own",
            format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a space before the colon",
            format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a folded line",
            format!("{post}X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "chunks that end with a bare line feed",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n0\n\n{hidden}"),
        ),
        (
            "a chunk's size that is none",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n{hidden}"),
        ),
        (
            "a chunk's size beyond all bounds",
            format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{hidden}"),
        ),
        (
            "a carriage return alone",
            format!("GET / HTTP/1.1\rHost: x\r\n\r\n{hidden}"),
        ),
        ("no version", format!("GET /\r\n{hidden}")),
        ("an old version", format!("GET / HTTP/0.9\r\n\r\n{hidden}")),
        (
            "a version to come",
            format!("GET / HTTP/3.0\r\n\r\n{hidden}"),
        ),
        (
            "a zero in a header",
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n{hidden}"),
        ),
        (
            "a control character in the address",
            format!("GET /\u{1} HTTP/1.1\r\nHost: x\r\n\r\n{hidden}"),
        ),
        (
            "a hundred and one headers",
            format!(
                "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n{hidden}",
                "X: y\r\n".repeat(100)
            ),
        ),
        (
            "a head without an end",
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "y".repeat(20_000)),
        ),
    ] {
        let said = all(&server, request.as_bytes());
        // Only one answer: the second request in it was not read as one.
        assert_eq!(said.matches("HTTP/1.").count(), 1, "{what}: {said}");
        assert!(said.starts_with("HTTP/1.1 4"), "{what}: {said}");
        assert!(!said.contains("framecast_"), "{what}: {said}");
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_refusal_for_lack_of_room_says_what_all_answers_say() {
    let text = "[limits]\nconnections = 1\n[cameras.camera]\nsource = \"test\"\n";
    let server = framecast().config(text).spawn();
    let _viewer = server.watch("/video_feed");
    let refused = Open::of(server.connect()).unwrap();
    assert_eq!(refused.head.status, 503);
    assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn a_range_of_a_page_is_the_whole_page() {
    let server = serve(&["test#size=64x48,fps=5"]);
    let many = format!("bytes={}", vec!["0-"; 500].join(","));
    for range in ["bytes=0-10", "bytes=-1", "bytes=5-2", "lines=1", &many] {
        let answer = ask(&server, "GET", "/assets/page.js", &[("Range", range)]);
        assert_eq!(answer.status, 200, "{range}");
    }
}
