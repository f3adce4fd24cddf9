//! `/api/v1/recordings`: all files, however many, as they are read from the index.

use std::{fmt::Write, ops::Range, time::SystemTime};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;

use super::{
    super::super::{
        App,
        access::Asker,
        error::{Failure, Problem},
        query::Asked,
    },
    SegmentView, asked, time, watches,
};
use crate::recordings::{Error, Listing, Recordings, Segment};

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
pub(in super::super) async fn list(
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
