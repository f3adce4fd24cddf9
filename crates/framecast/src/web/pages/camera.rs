//! A camera's own page: the picture with its player, and cards beside it.

use maud::{Markup, html};

use super::{Tile, copy, element, home, logout, page};

/// A camera's own page, at `cameras/NAME/`.
///
/// `user` is as for [`index`](super::index); `may_control` says whether there is to be a card for the camera's controls, and buttons for its recording.
pub fn camera(camera: &Tile<'_>, may_control: bool, user: Option<&str>) -> Markup {
    let size = camera
        .size
        .map(|(width, height)| format!("{width} × {height}"));
    let body = html! {
        header {
            (home("../../"))
            h1 { (camera.name) }
            (logout("../../", user))
        }
        main.camera {
            div.stage data-stage {
                (element(camera, "", "stream.mjpg"))
                (player())
            }
            aside {
                div.actions {
                    a.button href="snapshot.jpg" { "Snapshot" }
                    a.button href="stream.mjpg" { "Stream" }
                }
                section.card {
                    h2 { "Details" }
                    dl {
                        dt { "State" }
                        dd data-detail="state" { (camera.reason.unwrap_or(camera.state)) }
                        dt { "Rate" }
                        dd data-detail="rate" { "–" }
                        dt { "Size" }
                        dd data-detail="size" { (size.as_deref().unwrap_or("–")) }
                        dt { "Device gives" }
                        dd data-detail="device" { (camera.device.unwrap_or("–")) }
                        dt { "Age of the picture" }
                        dd data-detail="age" { "–" }
                        dt { "Viewers" }
                        dd data-detail="viewers" { "–" }
                        @if let Some(recording) = camera.recording {
                            dt { "Recording" }
                            dd data-detail="recording" { (recording) }
                        }
                        dt { "Source" }
                        dd { (camera.source) }
                    }
                }
                section.card hidden data-recording {
                    h2 { "Recording" }
                    div.recording data-recording-state {}
                    div.actions hidden[!may_control] {
                        button type="button" hidden data-start { "Start" }
                        button type="button" hidden data-include { "Start with what is ready" }
                        button type="button" hidden data-stop { "Stop" }
                    }
                    p.fault role="status" data-fault {}
                }
                (export())
                @if may_control {
                    section.card hidden data-controls {
                        h2 { "Controls" }
                        div data-list {}
                        p.fault role="status" data-fault {}
                    }
                }
                section.card hidden data-copies {
                    h2 { "Stream for other programs" }
                    (copy("stream", "Address of the stream"))
                    h2 { "Put it on another page" }
                    (copy("embed", "HTML to embed the camera"))
                }
            }
        }
    };
    let style = html! { link rel="stylesheet" href="../../assets/player.css"; };
    page(camera.name, "../../", "page.js", &style, &body)
}

/// The speeds to choose from, as the API takes and people read them.
const SPEEDS: [(&str, &str); 12] = [
    ("16", "16×"),
    ("8", "8×"),
    ("4", "4×"),
    ("2", "2×"),
    ("1", "1×"),
    ("0.5", "0.5×"),
    ("0.25", "0.25×"),
    ("-0.25", "0.25× back"),
    ("-1", "1× back"),
    ("-2", "2× back"),
    ("-4", "4× back"),
    ("-16", "16× back"),
];

/// The buttons and the timeline below the picture. Scripts show them: what needs a past, where there is one.
fn player() -> Markup {
    html! {
        div.player hidden data-player role="group" aria-label="Player" {
            div.timeline data-timeline data-past hidden {
                (press("farther", "−", "Show a longer time"))
                div.track {
                    canvas tabindex="0" role="slider" aria-label="Timeline" aria-valuenow="0" {}
                    figure hidden {
                        img alt="" hidden;
                        figcaption {}
                    }
                }
                (press("closer", "+", "Show a shorter time"))
            }
            div.bar {
                (press("live", "Live", "Show what the camera sees now (L)"))
                (press("toggle", "Pause", "Pause or play (space)"))
                span.group data-past hidden {
                    (press("back", "−10 s", "10 seconds back (left arrow)"))
                    (press("on", "+10 s", "10 seconds on (right arrow)"))
                    (press("step-back", "‹", "One picture back (,)"))
                    (press("step-on", "›", "One picture on (.)"))
                    select data-speed aria-label="Speed" {
                        @for (value, text) in SPEEDS {
                            option value=(value) selected[value == "1"] { (text) }
                        }
                    }
                    input type="datetime-local" step="1" data-when aria-label="Go to date and time";
                }
                time data-time {}
                span.group {
                    (press("save", "Save picture", "Save the picture that is shown"))
                    (press("fullscreen", "Full screen", "Full screen (F)"))
                }
            }
            p.fault role="status" data-line {}
        }
    }
}

fn press(wish: &str, text: &str, title: &str) -> Markup {
    html! { button type="button" data-do=(wish) title=(title) aria-label=[(text.chars().count() == 1).then_some(title)] { (text) } }
}

/// The form to take a time away as a file, and how far that is. Scripts show it where something is recorded.
fn export() -> Markup {
    html! {
        section.card hidden data-export {
            h2 { "Export" }
            form.export {
                (end_of_export("from", "From"))
                (end_of_export("to", "To"))
                label for="export-form" { "As" }
                select #export-form name="form" {
                    option value="mp4" { "Video (MP4)" }
                    option value="lapse" { "Time-lapse (MP4)" }
                    option value="zip" { "Pictures (ZIP)" }
                }
                div.lapse hidden data-lapse {
                    label { "One picture every " input type="number" name="every" min="0.1" max="86400" step="any" value="10" required; " s, " }
                    label { "shown at " input type="number" name="fps" min="0.1" max="240" step="any" value="30" required; " a second" }
                }
                button data-export-start { "Export" }
            }
            div hidden data-progress {
                progress max="1" value="0" aria-label="How much is downloaded" {}
                p role="status" data-told {}
            }
            p.fault role="status" data-fault {}
        }
    }
}

fn end_of_export(name: &str, text: &str) -> Markup {
    let id = format!("export-{name}");
    html! {
        label for=(id) { (text) }
        button type="button" data-here=(name) title="The time of the picture that is shown" { "Shown now" }
        input id=(id) type="datetime-local" step="1" name=(name) required;
    }
}
