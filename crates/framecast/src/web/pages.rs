//! The HTML pages: all cameras, one camera, no such camera.
//!
//! Every address in them is relative, so they work under any base path. Without JavaScript they show plain pictures.
//! What does not belong here: where the facts in a page come from.

mod camera;

use std::fmt::{self, Write as _};

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use camera::camera;

/// How many streams a page without JavaScript opens: browsers stop at six connections to one server, and a page that
/// has used them all cannot even be left by a link.
const PLAIN_STREAMS: usize = 4;

/// What a page shows of a camera.
#[derive(Debug, Clone, Copy)]
pub struct Tile<'a> {
    /// The camera's name.
    pub name: &'a str,
    /// Where its pictures come from, without any password.
    pub source: &'a str,
    /// Its state in a word.
    pub state: &'a str,
    /// Why it is in that state.
    pub reason: Option<&'a str>,
    /// Width and height of its pictures, once known.
    pub size: Option<(u32, u32)>,
    /// What its recording is doing, in a word or with the reason; `None` for a camera that is never recorded.
    pub recording: Option<&'a str>,
    /// What its device gives, where that is known.
    pub device: Option<&'a str>,
}

/// The page with all cameras, at the server's base.
///
/// `user` is who is logged in, to show beside the button to log out.
pub fn index(cameras: &[Tile<'_>], user: Option<&str>) -> Markup {
    let layout = match cameras.len() {
        1 => "grid one",
        2..=4 => "grid few",
        5..=9 => "grid",
        _ => "grid many",
    };
    let stills = cameras.len() > PLAIN_STREAMS;
    let picture = if stills {
        "snapshot.jpg"
    } else {
        "stream.mjpg"
    };
    let refresh = html! {
        @if stills { noscript { meta http-equiv="refresh" content="10"; } }
    };
    let body = html! {
        header {
            (home(""))
            @if cameras.len() > 1 { span.count { (cameras.len()) " cameras" } }
            (logout("", user))
        }
        main {
            @if cameras.is_empty() {
                (empty())
            } @else {
                ul class=(layout) {
                    @for camera in cameras {
                        @let page = format!("cameras/{}/", Segment(camera.name));
                        li { a href=(page) { (element(camera, &page, picture)) } }
                    }
                }
            }
        }
    };
    page("framecast", "", "framecast.js", &refresh, &body)
}

/// Says that there is no camera of this name. `base` leads from the requested address to the server's base: `../../`
/// from `cameras/NAME/`.
pub fn missing(name: &str, base: &str) -> Markup {
    let body = html! {
        header { (home(base)) }
        main {
            div.empty {
                img src={ (base) "assets/icon.svg" } alt="";
                h1 { "No camera is called “" (name) "”" }
                p { a href={ (base) "./" } { "All cameras" } }
            }
        }
    };
    page("No such camera", base, "framecast.js", &html! {}, &body)
}

/// What the login page says.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Where to go then, relative to the server's base.
    pub next: &'a str,
    /// Whether there are users, or only a token.
    pub has_users: bool,
    /// What was wrong the last time.
    pub fault: Option<&'a str>,
}

/// The page to log in, at `login`.
pub fn login(login: &Login<'_>) -> Markup {
    let secret = if login.has_users {
        "Password or token"
    } else {
        "Access token"
    };
    let body = html! {
        header { (home("")) }
        main {
            form.card.login method="post" action="login" {
                h1 { "Log in" }
                input type="hidden" name="next" value=(login.next);
                @if login.has_users {
                    label for="name" { "Name" }
                    input #name name="name" autocomplete="username" autocapitalize="none" autofocus;
                }
                label for="password" { (secret) }
                input #password name="password" type="password" autocomplete="current-password" required autofocus[!login.has_users];
                @if let Some(fault) = login.fault { p.fault role="alert" { (fault) } }
                button { "Log in" }
                @if !login.has_users {
                    p.hint { "The server printed the token when it first started, and keeps it in its state folder." }
                }
            }
        }
    };
    page("Log in", "", "framecast.js", &html! {}, &body)
}

fn logout(base: &str, user: Option<&str>) -> Markup {
    html! {
        @if let Some(user) = user {
            form.user method="post" action={ (base) "logout" } {
                span { (user) }
                button { "Log out" }
            }
        }
    }
}

fn page(title: &str, base: &str, script: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) @if title != "framecast" { " · framecast" } }
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                link rel="icon" href={ (base) "assets/icon.svg" };
                link rel="manifest" href={ (base) "assets/manifest.webmanifest" };
                link rel="stylesheet" href={ (base) "assets/framecast.css" };
                script type="module" src={ (base) "assets/" (script) } {}
                (head)
            }
            body { (body) }
        }
    }
}

fn home(base: &str) -> Markup {
    html! {
        a.home href={ (base) "./" } {
            img src={ (base) "assets/icon.svg" } alt="";
            "framecast"
        }
    }
}

/// The live picture. Scripts never see what is in `noscript`, so no second stream is opened.
fn element(camera: &Tile<'_>, page: &str, picture: &str) -> Markup {
    html! {
        framecast-camera name=(camera.name) {
            noscript {
                img src={ (page) (picture) } alt=(camera.name);
                (camera.name)
            }
        }
    }
}

fn empty() -> Markup {
    html! {
        div.empty {
            img src="assets/icon.svg" alt="";
            h1 { "No cameras yet" }
            p { "Name one when you start the server, or put it into the configuration file." }
            pre { (PreEscaped("framecast --camera door=http://192.168.1.20/video\nframecast --config framecast.toml")) }
        }
    }
}

fn copy(key: &str, label: &str) -> Markup {
    html! {
        div.copy data-copy=(key) {
            input readonly aria-label=(label);
            button type="button" { "Copy" }
        }
    }
}

/// A name as one segment of a path.
struct Segment<'a>(&'a str);

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                f.write_char(byte.into())
            }
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'_> = Login {
        next: "cameras/door/",
        has_users: true,
        fault: Some("<wrong>"),
    };

    fn tile(name: &str) -> Tile<'_> {
        Tile {
            name,
            source: "pattern:",
            state: "live",
            reason: None,
            size: Some((640, 480)),
            recording: None,
            device: Some("MJPG 640x480"),
        }
    }

    #[test]
    fn hostile_name_stays_text() {
        let name = "<script>\"'&/../?#";
        for page in [
            index(&[tile(name)], Some(name)),
            camera(&tile(name), true, Some(name)),
            missing(name, "../"),
        ] {
            let page = page.into_string();
            assert!(!page.contains("<script>"), "{page}");
            assert!(!page.contains("\"'&/"), "{page}");
        }
        let index = index(&[tile(name)], None).into_string();
        assert!(index.contains("href=\"cameras/%3Cscript%3E%22%27%26%2F..%2F%3F%23/\""));
    }

    #[test]
    fn every_address_is_relative() {
        let pages = [
            index(&[tile("door")], Some("anna")),
            camera(&tile("door"), true, Some("anna")),
            index(&[], None),
            login(&LOGIN),
        ];
        for page in pages {
            let page = page.into_string();
            for attribute in ["href=\"", "src=\"", "action=\""] {
                for address in page.split(attribute).skip(1) {
                    assert!(!address.starts_with('/'), "{address}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_inline() {
        for page in [
            index(&[tile("door")], None),
            camera(&tile("door"), true, Some("anna")),
            login(&LOGIN),
        ] {
            let page = page.into_string();
            assert!(!page.contains("style="), "{page}");
            assert!(!page.contains("<style"), "{page}");
            assert!(page.contains("assets/framecast.css"));
            assert_eq!(
                page.matches("<script").count(),
                page.matches("<script type=\"module\" src=").count()
            );
        }
    }

    #[test]
    fn without_scripts_few_cameras_stream_and_many_are_stills() {
        let few = index(&[tile("a"), tile("b")], None).into_string();
        assert!(
            few.contains("<noscript><img src=\"cameras/a/stream.mjpg\" alt=\"a\">a</noscript>")
        );
        let many = index(&["a"; 16].map(tile), None).into_string();
        assert!(!many.contains("stream.mjpg"));
        assert!(many.contains("<noscript><meta http-equiv=\"refresh\""));
    }

    #[test]
    fn page_without_cameras_says_how_to_add_one() {
        assert!(index(&[], None).into_string().contains("No cameras yet"));
    }
}
