//! `/api/v1/recordings`: what was recorded, what is kept for good, and deleting it.

use std::{
    fmt::Write,
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{
        App,
        access::Asker,
        error::{Failure, Problem},
        query::Asked,
    },
    recording::seconds,
    request::{Named, Said},
};
use crate::{
    access::{Action, Decision},
    config::check_name,
    recordings::{Error, Listing, Pin, Recordings, Segment, Span},
};

/// One file of a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentView {
    /// Its number, which rises in the order of recording.
    pub id: u64,
    /// The camera.
    pub camera: String,
    /// The number of the first segment of its run: two of the same run have no gap between them.
    pub run: u64,
    /// When its first picture was taken, in seconds since 1970.
    pub start: f64,
    /// When its last picture was taken.
    pub end: f64,
    /// When its first picture was taken, in seconds since the machine's start.
    pub monotonic: f64,
    /// Which start of the machine that was.
    pub boot: String,
    /// Pictures in it.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The file, below the folder of the recordings.
    pub path: String,
    /// Whether it is complete; the one that is being written is not.
    pub finished: bool,
}

/// What of a camera was recorded, as times without a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpansView {
    /// In the order of recording.
    pub spans: Vec<SpanView>,
}

/// A time without a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpanView {
    /// When its first picture was taken, in seconds since 1970.
    pub start: f64,
    /// When its last picture was taken.
    pub end: f64,
    /// Pictures in it.
    pub frames: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// The number of its first segment.
    pub first: u64,
    /// The number of its last segment.
    pub last: u64,
    /// Whether it is still being recorded.
    pub open: bool,
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasedView {
    /// Files are deleted whole: the times that are gone now.
    pub spans: Vec<SpanView>,
    /// Bytes that are free now.
    pub bytes: u64,
}

/// All times that are kept for good.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinsView {
    /// By their time.
    pub pins: Vec<PinView>,
}

/// A time that is kept for good.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinView {
    /// Its number.
    pub id: u64,
    /// The camera.
    pub camera: String,
    /// From when, in seconds since 1970.
    pub start: f64,
    /// Until when.
    pub end: f64,
    /// Why.
    pub note: String,
}

/// A time to be kept for good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPin {
    /// The camera.
    pub camera: String,
    /// From when: seconds since 1970.
    pub start: f64,
    /// Until when.
    pub end: f64,
    /// Why, for people; up to 1000 characters.
    #[serde(default)]
    pub note: String,
}

/// All files of all recordings, or those of a camera or a time, one after the other however many there are: as JSON, as one
/// JSON object a line, or as CSV.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "recordings",
    params(
        ("camera" = Option<String>, Query, description = "Of this camera only"),
        ("from" = Option<String>, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s"),
        ("to" = Option<String>, Query, description = "Until before this time"),
        ("format" = Option<String>, Query, description = "json, jsonl or csv; left out, what Accept says")),
    responses(
        (status = 200, description = "The files", content(
            (Vec<SegmentView> = "application/json"), (SegmentView = "application/jsonl"), (String = "text/csv"))),
        (status = 400, description = "There is no such time or format", body = Problem),
        (status = 503, description = "The recordings can't be read at present", body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    asker: Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match listing(&app, &asker, &uri, &headers).await {
        Ok(response) => response,
        Err(failure) => failure.into_json(),
    }
}

/// What of a camera was recorded, as times without a gap. Where the clock was set back they may overlap.
#[utoipa::path(get, path = "/api/v1/cameras/{name}/recordings/spans", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name; it may be one that is no longer there"),
        ("from" = Option<String>, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s"),
        ("to" = Option<String>, Query, description = "Until before this time")),
    responses(
        (status = 200, description = "The times", body = SpansView),
        (status = 400, description = "There is no such time", body = Problem),
        (status = 503, description = "The recordings can't be read at present", body = Problem)))]
pub(super) async fn spans(State(app): State<App>, Named(name): Named, uri: Uri) -> Response {
    let spans = async {
        let time = time(&asked(&uri))?;
        Ok(match app.catalog.recordings() {
            Some(recordings) => recordings.read(move |it| it.spans(&name, time)).await?,
            None => Vec::new(),
        })
    };
    answer(spans.await.map(|spans: Vec<Span>| SpansView {
        spans: spans.iter().map(SpanView::of).collect(),
    }))
}

/// Deletes what was recorded of a camera in a time. Files are deleted whole, those at both ends too; what is pinned or being
/// written stays.
#[utoipa::path(delete, path = "/api/v1/cameras/{name}/recordings", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name; it may be one that is no longer there"),
        ("from" = String, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s"),
        ("to" = String, Query, description = "Until before this time")),
    responses(
        (status = 200, description = "What is gone", body = ErasedView),
        (status = 400, description = "There is no such time, or none was named", body = Problem),
        (status = 503, description = "The recordings can't be changed at present", body = Problem)))]
pub(super) async fn erase(State(app): State<App>, Named(name): Named, uri: Uri) -> Response {
    let erased = async {
        let asked = asked(&uri);
        // Forgetting one must not delete everything.
        for end in ["from", "to"] {
            if asked.value(end).is_none() {
                return Err(Failure::bad(format!("say `{end}`")));
            }
        }
        let time = time(&asked)?;
        Ok(match app.catalog.recordings() {
            Some(recordings) => recordings.read(move |it| it.erase(&name, time)).await?,
            None => Vec::new(),
        })
    };
    answer(erased.await.map(|erased: Vec<Segment>| ErasedView {
        bytes: erased.iter().map(|segment| segment.bytes).sum(),
        spans: Span::merge(erased).iter().map(SpanView::of).collect(),
    }))
}

/// All times that are kept for good.
#[utoipa::path(get, path = "/api/v1/recordings/pins", tag = "recordings",
    params(("camera" = Option<String>, Query, description = "Of this camera only")),
    responses(
        (status = 200, description = "The pins", body = PinsView),
        (status = 400, description = "The address makes no sense", body = Problem),
        (status = 503, description = "The recordings can't be read at present", body = Problem)))]
pub(super) async fn pins(State(app): State<App>, asker: Asker, uri: Uri) -> Response {
    let pins = async {
        let camera = asked(&uri).value("camera").map(str::to_owned);
        Ok(match app.catalog.recordings() {
            Some(recordings) => {
                recordings
                    .read(move |it| it.pins(camera.as_deref()))
                    .await?
            }
            None => Vec::new(),
        })
    };
    answer(pins.await.map(|pins: Vec<Pin>| {
        PinsView {
            pins: pins
                .iter()
                .filter(|pin| watches(&asker, &pin.camera))
                .map(PinView::of)
                .collect(),
        }
    }))
}

/// Keeps a time of a camera for good, whatever the limits say.
#[utoipa::path(post, path = "/api/v1/recordings/pins", tag = "recordings", request_body = NewPin,
    responses(
        (status = 201, description = "It is kept", body = PinView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 404, description = "There is no camera of that name for who asks", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "That is no time of a camera", body = Problem),
        (status = 503, description = "The recordings can't be changed at present", body = Problem)))]
pub(super) async fn pin(State(app): State<App>, asker: Asker, Said(new): Said<NewPin>) -> Response {
    let pinned = async {
        let senseless = |why: String| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, why);
        check_name(&new.camera).map_err(|bad| senseless(bad.to_string()))?;
        if !asker.finds(&new.camera) {
            return Err(Failure::no_camera(&new.camera));
        }
        let moment = |at: f64| moment(at).ok_or_else(|| senseless(format!("{at} is no time")));
        let time = moment(new.start)?..moment(new.end)?;
        if time.start > time.end {
            return Err(senseless("`end` lies before `start`".to_owned()));
        }
        if new.note.chars().count() > 1000 {
            return Err(senseless(
                "`note` is longer than 1000 characters".to_owned(),
            ));
        }
        let recordings = app.catalog.recordings().ok_or_else(nowhere)?;
        let pin = move |it: &Recordings| it.pin(&new.camera, time, &new.note);
        Ok(recordings.read(pin).await?)
    };
    match pinned.await {
        Ok(pin) => (StatusCode::CREATED, Json(PinView::of(&pin))).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// No longer keeps a time for good.
#[utoipa::path(delete, path = "/api/v1/recordings/pins/{id}", tag = "recordings",
    params(("id" = u64, Path, description = "The pin's number")),
    responses(
        (status = 204, description = "The limits count for it again"),
        (status = 404, description = "There is no pin of that number", body = Problem),
        (status = 503, description = "The recordings can't be changed at present", body = Problem)))]
pub(super) async fn unpin(
    State(app): State<App>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    let unpinned = async {
        let missing = || Failure::new(StatusCode::NOT_FOUND, format!("there is no pin {id}"));
        let id: u64 = id.parse().map_err(|_| missing())?;
        let recordings = app.catalog.recordings().ok_or_else(missing)?;
        let pins = recordings.read(|it| it.pins(None)).await?;
        let pin = pins.iter().find(|pin| pin.id == id).ok_or_else(missing)?;
        if !asker.finds(&pin.camera) {
            return Err(missing());
        }
        Ok(recordings.read(move |it| it.unpin(id)).await?)
    };
    match unpinned.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err::<_, Failure>(failure) => failure.into_json(),
    }
}

fn answer<T: Serialize>(view: Result<T, Failure>) -> Response {
    match view {
        Ok(view) => Json(view).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Whether they may watch a camera, and so know of what was recorded of it.
fn watches(asker: &Asker, camera: &str) -> bool {
    asker.decide(Action::Stream, camera) == Decision::Allow
}

fn asked(uri: &Uri) -> Asked {
    Asked::of(uri.query().unwrap_or_default())
}

fn nowhere() -> Failure {
    let why = "there is no folder to record to: name one with `path` in [recordings]";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

/// The time that an address asks for; everything, if it asks for none.
fn time(asked: &Asked) -> Result<Range<SystemTime>, Failure> {
    let end = |name| {
        match asked.value(name) {
        Some(text) => parse_time(text).map(Some).ok_or_else(|| {
            Failure::bad(format!(
                "`{name}`: `{text}` is no time; write seconds since 1970, 2026-11-20T19:00:00Z, or -30s for as long ago"
            ))
        }),
        None => Ok(None),
    }
    };
    let always = Duration::from_secs(1 << 33);
    Ok(end("from")?.unwrap_or(UNIX_EPOCH)..end("to")?.unwrap_or(UNIX_EPOCH + always))
}

fn parse_time(text: &str) -> Option<SystemTime> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds >= 0.0
    {
        return moment(seconds);
    }
    match text.strip_prefix('-') {
        Some(ago) => SystemTime::now().checked_sub(humantime::parse_duration(ago).ok()?),
        None => humantime::parse_rfc3339_weak(text).ok(),
    }
}

/// Seconds since 1970, as far as they are a time.
fn moment(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    // What the index can hold.
    (since.as_secs() < 1 << 33).then(|| UNIX_EPOCH + since)
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Json,
    Lines,
    Csv,
}

impl Format {
    fn of(asked: &Asked, headers: &HeaderMap) -> Result<Self, Failure> {
        let accepted = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        match asked.value("format") {
            Some("json") => Ok(Self::Json),
            Some("jsonl") => Ok(Self::Lines),
            Some("csv") => Ok(Self::Csv),
            Some(other) => Err(Failure::bad(format!(
                "`format` is json, jsonl or csv, not `{other}`"
            ))),
            None if accepted.contains("text/csv") => Ok(Self::Csv),
            None if accepted.contains("application/jsonl") || accepted.contains("ndjson") => {
                Ok(Self::Lines)
            }
            None => Ok(Self::Json),
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Json => "[",
            Self::Lines => "",
            Self::Csv => {
                "id,camera,run,start,end,monotonic,boot,frames,bytes,width,height,path,finished\r\n"
            }
        }
    }

    fn tail(self) -> &'static str {
        match self {
            Self::Json => "]\n",
            Self::Lines | Self::Csv => "",
        }
    }

    fn row(self, out: &mut String, segment: &Segment, is_first: bool) {
        let view = SegmentView::of(segment);
        if self == Self::Csv {
            let time = |time| humantime::format_rfc3339_millis(time);
            // Nothing in it needs quotes: names are plain, and so are the paths made of them.
            let _ = write!(
                out,
                "{},{},{},{},{},{:.3},{},{},{},{},{},{},{}\r\n",
                view.id,
                view.camera,
                view.run,
                time(segment.start),
                time(segment.end()),
                view.monotonic,
                view.boot,
                view.frames,
                view.bytes,
                view.width,
                view.height,
                view.path,
                view.finished
            );
            return;
        }
        if self == Self::Json && !is_first {
            out.push(',');
        }
        if let Ok(row) = serde_json::to_string(&view) {
            out.push_str(&row);
        }
        if self == Self::Lines {
            out.push('\n');
        }
    }
}

/// A list on its way out.
struct Rows {
    recordings: Recordings,
    cameras: std::vec::IntoIter<String>,
    time: Range<SystemTime>,
    listing: Option<Listing>,
    format: Format,
    is_first: bool,
    done: bool,
}

/// Rows that go out together.
const TOGETHER: usize = 200;

impl Rows {
    /// The next rows; `None` when all were told.
    fn next(&mut self) -> Result<Option<String>, Error> {
        if self.done {
            return Ok(None);
        }
        let mut out = String::new();
        for _ in 0..TOGETHER {
            let Some(segment) = self.segment()? else {
                self.done = true;
                out.push_str(self.format.tail());
                break;
            };
            self.format.row(&mut out, &segment, self.is_first);
            self.is_first = false;
        }
        Ok(Some(out))
    }

    fn segment(&mut self) -> Result<Option<Segment>, Error> {
        loop {
            if let Some(listing) = &mut self.listing
                && let Some(segment) = listing.next()?
            {
                return Ok(Some(segment));
            }
            let Some(camera) = self.cameras.next() else {
                return Ok(None);
            };
            self.listing = Some(self.recordings.segments(&camera, self.time.clone())?);
        }
    }
}

async fn listing(
    app: &App,
    asker: &Asker,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let asked = asked(uri);
    let (time, format) = (time(&asked)?, Format::of(&asked, headers)?);
    let Some(recordings) = app.catalog.recordings().cloned() else {
        let empty = [format.head(), format.tail()].concat();
        return Ok(([(header::CONTENT_TYPE, format.content_type())], empty).into_response());
    };
    let cameras = match asked.value("camera") {
        Some(camera) => vec![camera.to_owned()],
        None => recordings.read(Recordings::cameras).await?,
    };
    let seen: Vec<_> = cameras
        .into_iter()
        .filter(|camera| watches(asker, camera))
        .collect();
    let rows = Rows {
        recordings: recordings.clone(),
        cameras: seen.into_iter(),
        time,
        listing: None,
        format,
        is_first: true,
        done: false,
    };
    let head = stream::iter([Ok(format.head().to_owned())]);
    // Rows are read when the connection has room for them, so a list of millions takes no more memory than a short one.
    let rows = stream::try_unfold(rows, move |mut rows| {
        let recordings = recordings.clone();
        async move {
            let read = move |_: &Recordings| Ok(rows.next()?.map(|out| (out, rows)));
            recordings.read(read).await
        }
    });
    let rows = futures_util::StreamExt::chain(head, rows);
    let shutdown = app.shutdown.clone().cancelled_owned();
    let rows = futures_util::StreamExt::take_until(rows, shutdown);
    Ok((
        [(header::CONTENT_TYPE, format.content_type())],
        Body::from_stream(rows),
    )
        .into_response())
}

impl SegmentView {
    fn of(segment: &Segment) -> Self {
        Self {
            id: segment.id,
            camera: segment.camera.to_string(),
            run: segment.run,
            start: seconds(segment.start),
            end: seconds(segment.end()),
            monotonic: segment.monotonic.as_millis() as f64 / 1000.0,
            boot: segment.boot.clone(),
            frames: segment.frames,
            bytes: segment.bytes,
            width: segment.size.width,
            height: segment.size.height,
            path: segment.path.clone(),
            finished: segment.finished,
        }
    }
}

impl SpanView {
    fn of(span: &Span) -> Self {
        Self {
            start: seconds(span.start),
            end: seconds(span.end),
            frames: span.frames,
            bytes: span.bytes,
            first: span.first,
            last: span.last,
            open: span.open,
        }
    }
}

impl PinView {
    fn of(pin: &Pin) -> Self {
        Self {
            id: pin.id,
            camera: pin.camera.to_string(),
            start: seconds(pin.start),
            end: seconds(pin.end),
            note: pin.note.clone(),
        }
    }
}
