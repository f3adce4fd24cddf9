//! `/api/v1/cameras/{name}/playback`: sessions that go back in time.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{
        App,
        error::{Failure, Problem},
    },
    request::{Named, NamedBoth, Said},
};
use crate::playback::{Change, Id, Moment, Name, Session, Shift, Speed, To};

/// A session to be begun. What is left out is live, at normal speed, playing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// From when to play: `-30s`, `2026-11-20T12:00:00Z`, or seconds since 1970.
    pub at: Option<MomentView>,
    /// Times real time: from 0.25 to 16, or backwards from -16 to -0.25.
    pub speed: Option<f64>,
    /// Whether the picture stays.
    pub paused: Option<bool>,
}

/// What is to become of a session. What is left out stays; one of `at`, `move`, `step` and `live` may be there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionChange {
    /// Where to go: `-30s`, `2026-11-20T12:00:00Z`, or seconds since 1970.
    pub at: Option<MomentView>,
    /// How far to go from where it stands: `-10s`, `10s`.
    pub r#move: Option<String>,
    /// So many pictures on, or back for a number below zero, and stop there; at most 1000.
    pub step: Option<i64>,
    /// True: go to what the camera sees now.
    pub live: Option<bool>,
    /// Times real time: from 0.25 to 16, or backwards from -16 to -0.25.
    pub speed: Option<f64>,
    /// Whether the picture stays.
    pub paused: Option<bool>,
}

/// A moment: text, or seconds since 1970.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum MomentView {
    /// Seconds since 1970.
    Seconds(f64),
    /// `-30s`, `2026-11-20T12:00:00Z`, or seconds since 1970.
    Text(String),
}

/// A session as it is at the moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Its name, for `?session=` and the WebSocket.
    pub session: String,
    /// The camera.
    pub camera: String,
    /// Whether it shows what the camera sees now.
    pub live: bool,
    /// Whether the picture stays.
    pub paused: bool,
    /// Times real time; below zero it is backwards.
    pub speed: f64,
    /// Where it stands: when that was taken, as RFC 3339 has it.
    pub position: String,
    /// How far that is behind now.
    pub behind_seconds: f64,
    /// How many watch.
    pub viewers: usize,
    /// Why there is no picture; null while there is one.
    pub reason: Option<String>,
}

/// Steps further than this are a way to go.
const MOST_STEPS: u64 = 1000;

/// Begins a session: its pictures are at `/cameras/{name}/stream.mjpg?session=…`. It ends a minute after its last viewer.
#[utoipa::path(post, path = "/api/v1/cameras/{name}/playback", tag = "playback", request_body = NewSession,
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 201, description = "The session", body = SessionView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 404, description = "There is no camera of that name, or nothing is recorded of it", body = Problem),
        (status = 409, description = "There is no picture to stop at", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "That can't be played", body = Problem),
        (status = 503, description = "There are too many sessions, or the recordings can't be read", body = Problem)))]
pub(super) async fn begin(
    State(app): State<App>,
    Named(name): Named,
    Said(new): Said<NewSession>,
) -> Response {
    let begun = async {
        let start = new.resolve().map_err(senseless)?;
        let feed = app.catalog.hub().feed(&name);
        let feed = feed.ok_or_else(|| Failure::no_camera(&name))?;
        let session = app.sessions.begin(&feed, Name::Known(Id::random()), start);
        Ok::<_, Failure>(SessionView::of(&session.await?))
    };
    match begun.await {
        Ok(view) => {
            let location = format!("playback/{}", view.session);
            let location = [(header::LOCATION, location)];
            (StatusCode::CREATED, location, Json(view)).into_response()
        }
        Err(failure) => failure.into_json(),
    }
}

/// Where a session stands.
#[utoipa::path(get, path = "/api/v1/cameras/{name}/playback/{session}", tag = "playback",
    params(
        ("name" = String, Path, description = "The camera's name"),
        ("session" = String, Path, description = "The session's name")),
    responses(
        (status = 200, description = "The session", body = SessionView),
        (status = 404, description = "There is no such session", body = Problem)))]
pub(super) async fn show(State(app): State<App>, NamedBoth(name, id): NamedBoth) -> Response {
    match find(&app, &name, &id) {
        Ok(session) => Json(SessionView::of(&session)).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Pauses, plays, goes somewhere, steps, or changes the speed, for all viewers of a session, who stay connected.
#[utoipa::path(patch, path = "/api/v1/cameras/{name}/playback/{session}", tag = "playback",
    request_body = SessionChange,
    params(
        ("name" = String, Path, description = "The camera's name"),
        ("session" = String, Path, description = "The session's name")),
    responses(
        (status = 200, description = "The session as it is now", body = SessionView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 404, description = "There is no such session, or nothing is recorded of the camera", body = Problem),
        (status = 409, description = "There is no picture to stop at", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "That can't be played", body = Problem),
        (status = 503, description = "The recordings can't be read", body = Problem)))]
pub(super) async fn change(
    State(app): State<App>,
    NamedBoth(name, id): NamedBoth,
    Said(change): Said<SessionChange>,
) -> Response {
    let changed = async {
        let change = change.resolve().map_err(senseless)?;
        let session = find(&app, &name, &id)?;
        session.change(change).await?;
        Ok::<_, Failure>(SessionView::of(&session))
    };
    match changed.await {
        Ok(view) => Json(view).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Ends a session and its viewers' streams.
#[utoipa::path(delete, path = "/api/v1/cameras/{name}/playback/{session}", tag = "playback",
    params(
        ("name" = String, Path, description = "The camera's name"),
        ("session" = String, Path, description = "The session's name")),
    responses(
        (status = 204, description = "The session is over"),
        (status = 404, description = "There is no such session", body = Problem)))]
pub(super) async fn end(State(app): State<App>, NamedBoth(name, id): NamedBoth) -> Response {
    let ended = id.parse().is_ok_and(|id| app.sessions.end(&name, &id));
    match ended {
        true => StatusCode::NO_CONTENT.into_response(),
        false => missing(&name, &id).into_json(),
    }
}

fn find(app: &App, name: &str, id: &str) -> Result<Session, Failure> {
    let found = id.parse().ok().and_then(|id| app.sessions.find(name, &id));
    found.ok_or_else(|| missing(name, id))
}

fn missing(name: &str, id: &str) -> Failure {
    let why = format!("`{name}` has no session `{id}`: it may have ended for want of viewers");
    Failure::new(StatusCode::NOT_FOUND, why)
}

fn senseless(why: String) -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, why)
}

impl NewSession {
    fn resolve(self) -> Result<Change, String> {
        let at = self.at.map(MomentView::resolve).transpose()?;
        Ok(Change {
            to: at.map(To::Moment),
            speed: self.speed.map(Speed::new).transpose()?,
            paused: self.paused,
        })
    }
}

impl SessionChange {
    fn resolve(self) -> Result<Change, String> {
        let at = self.at.map(MomentView::resolve).transpose()?;
        let shift = self
            .r#move
            .as_deref()
            .map(str::parse::<Shift>)
            .transpose()?;
        let step = self.step.map(steps).transpose()?;
        let live = match self.live {
            Some(false) => return Err("`live` is true, or left out".to_owned()),
            Some(true) if self.paused.is_some() || self.speed.is_some() => {
                return Err("`live` goes alone: it plays at normal speed".to_owned());
            }
            Some(true) => Some(To::Live),
            None => None,
        };
        if step.is_some() && self.paused == Some(false) {
            return Err("a step stops at the picture: `paused` can't be false".to_owned());
        }
        let mut to = [at.map(To::Moment), shift.map(To::Shift), step, live]
            .into_iter()
            .flatten();
        let change = Change {
            to: to.next(),
            speed: self.speed.map(Speed::new).transpose()?,
            paused: self.paused,
        };
        match to.next() {
            None => Ok(change),
            Some(_) => Err("say one of `at`, `move`, `step` and `live`".to_owned()),
        }
    }
}

fn steps(by: i64) -> Result<To, String> {
    if (1..=MOST_STEPS).contains(&by.unsigned_abs()) {
        Ok(To::Step(by))
    } else {
        Err(format!(
            "`step` is a number of pictures up to {MOST_STEPS}, or below zero for back"
        ))
    }
}

impl MomentView {
    fn resolve(self) -> Result<Moment, String> {
        match self {
            Self::Text(text) => text.parse(),
            Self::Seconds(seconds) => Moment::of_seconds(seconds)
                .ok_or_else(|| format!("{seconds} is no time: it is seconds since 1970")),
        }
    }
}

impl SessionView {
    /// A session as it is now.
    pub fn of(session: &Session) -> Self {
        let status = session.status();
        let behind = status.behind.as_secs_f64();
        Self {
            session: status.id.to_string(),
            camera: status.camera.to_string(),
            live: status.live,
            paused: status.paused,
            speed: status.speed.times(),
            position: humantime::format_rfc3339_millis(status.position).to_string(),
            behind_seconds: (behind * 1000.0).round() / 1000.0,
            viewers: status.viewers,
            reason: status.reason.map(|reason| reason.to_string()),
        }
    }
}
