//! Recordings to take away: `export.mp4` and `export.zip`, with lengths that are known before, and in ranges where what is
//! asked for can't change any more.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io,
    ops::Range,
    time::{Duration, SystemTime},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{access, error::Failure, exports::Job, query::Asked, range::Asking, viewer::Viewer};
use crate::{
    export::{Archive, Error, Export, Form, Selection, Wish},
    playback::{Id, Moment},
};

/// What is exported if nothing is said.
const USUAL: Duration = Duration::from_secs(60);
/// How late a picture may be written.
const LATE: Duration = Duration::from_secs(10);
/// Pieces that wait for the connection.
const AHEAD: usize = 2;

/// `/cameras/NAME/export.mp4`
pub(super) async fn mp4(viewer: Viewer, name: String) -> Result<Response, Failure> {
    let rate = viewer.asked.read("fps")?;
    let form = match (every(&viewer.asked)?, rate) {
        (Some(_), rate) => Form::Lapse(rate.unwrap_or_default()),
        (None, Some(_)) => {
            return Err(Failure::bad(
                "`fps` needs `every`: without it pictures have the times at which they were taken",
            ));
        }
        (None, None) => Form::Mp4,
    };
    respond(viewer, name, form).await
}

/// `/cameras/NAME/export.zip`
pub(super) async fn zip(viewer: Viewer, name: String) -> Result<Response, Failure> {
    respond(viewer, name, Form::Zip).await
}

/// The time of which one picture is wanted.
fn every(asked: &Asked) -> Result<Option<Duration>, Failure> {
    match asked.time("every")? {
        Some(every) if every.is_zero() => Err(Failure::bad("`every` is more than 0")),
        every => Ok(every),
    }
}

async fn respond(viewer: Viewer, name: String, form: Form) -> Result<Response, Failure> {
    let asked = &viewer.asked;
    let (from, to) = (asked.read::<Moment>("from")?, asked.read::<Moment>("to")?);
    let now = SystemTime::now();
    let end = to.map_or(now, |to| to.resolve(now));
    let start = from.unwrap_or(Moment::Ago(USUAL)).resolve(now);
    if start >= end {
        return Err(Failure::bad("`to` is not after `from`"));
    }
    let wish = Wish {
        camera: name.clone(),
        time: start..end,
        every: every(asked)?,
    };
    let Some(recordings) = viewer.app.catalog.recordings().cloned() else {
        return Err(Error::Nothing(name).into());
    };
    let job = asked.read::<Id>("job")?;
    let permit = viewer.app.exports.room().ok_or_else(|| {
        Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many exports are running: try again when one is done",
        )
    })?;
    let planned = tokio::task::spawn_blocking(move || {
        let selection = Selection::new(Archive::Store(recordings), wish)?;
        let is_closed = selection.is_closed();
        Ok((Export::new(selection, form)?, is_closed))
    });
    let (export, is_closed) = planned
        .await
        .unwrap_or_else(|panic| Err(Error::Output(io::Error::other(panic))))?;
    // Who asks for the length alone takes nothing away.
    if viewer.method != Method::HEAD {
        access::audit(
            viewer.asker.identity(),
            format_args!("export {}", form.extension()),
            Some(&name),
            &"begun",
        );
    }
    // Times before now are others at the next request.
    let is_fixed = matches!((from, to), (Some(Moment::At(_)), Some(Moment::At(_))));
    let file = File {
        kind: form.extension(),
        tag: tag(&name, &export),
        is_fixed: is_fixed && (is_closed || end.checked_add(LATE).is_some_and(|it| it <= now)),
        name,
        job,
        export,
    };
    Ok(file.respond(&viewer, permit))
}

fn tag(name: &str, export: &Export) -> String {
    let mut hash = DefaultHasher::new();
    (name, export.tag()).hash(&mut hash);
    format!("\"{:016x}\"", hash.finish())
}

/// An export on its way out.
struct File {
    name: String,
    /// Under which it can be asked how far it is.
    job: Option<Id>,
    kind: &'static str,
    export: Export,
    tag: String,
    /// Whether the same address gives the same bytes again.
    is_fixed: bool,
}

impl File {
    fn respond(self, viewer: &Viewer, permit: OwnedSemaphorePermit) -> Response {
        let len = self.export.len();
        let (status, range) = match self.range(&viewer.headers) {
            Asking::Whole => (StatusCode::OK, 0..len),
            Asking::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Asking::Beyond => {
                let range = [(header::CONTENT_RANGE, format!("bytes */{len}"))];
                return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
            }
        };
        let taken = humantime::format_rfc3339_seconds(self.export.start());
        let taken = taken.to_string().replace(':', "-");
        // A camera that is none may be called anything; one that has recordings is named plainly.
        let file = format!(
            "attachment; filename=\"{}_{taken}.{}\"",
            self.name, self.kind
        );
        let kind = match self.kind {
            "zip" => "application/zip",
            _ => "video/mp4",
        };
        let ranges = if self.is_fixed { "bytes" } else { "none" };
        let headers = [
            (header::CONTENT_TYPE, kind.to_owned()),
            (
                header::CONTENT_LENGTH,
                (range.end - range.start).to_string(),
            ),
            (header::CONTENT_DISPOSITION, file),
            (header::CACHE_CONTROL, "no-cache, no-transform".to_owned()),
            (header::ETAG, self.tag.clone()),
            (header::ACCEPT_RANGES, ranges.to_owned()),
        ];
        let place = (status == StatusCode::PARTIAL_CONTENT).then(|| {
            let last = range.end.saturating_sub(1);
            [(
                header::CONTENT_RANGE,
                format!("bytes {}-{last}/{len}", range.start),
            )]
        });
        let body = match viewer.method {
            Method::HEAD => Body::empty(),
            _ => self.body(range, viewer, permit),
        };
        match place {
            Some(place) => (status, headers, place, body).into_response(),
            None => (status, headers, body).into_response(),
        }
    }

    /// What of it is asked for. One that may be another by now is given whole unless the client names the one it has.
    fn range(&self, headers: &HeaderMap) -> Asking {
        let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
        let is_same = match text(header::IF_RANGE) {
            Some(tag) => tag == self.tag,
            None => self.is_fixed,
        };
        match text(header::RANGE).filter(|_| is_same) {
            Some(range) => Asking::of(range, self.export.len()),
            None => Asking::Whole,
        }
    }

    fn body(self, range: Range<u64>, viewer: &Viewer, permit: OwnedSemaphorePermit) -> Body {
        let job = self.job.map(|id| {
            let size = (self.export.len(), self.export.pictures());
            let job = Job::new(&self.name, id, self.kind, size, range.start);
            viewer.app.exports.remember(job)
        });
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
        let (export, name) = (self.export, self.name);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            let written = export.write(range, &mut |piece| {
                let bytes = piece.len() as u64;
                sender.blocking_send(Ok(piece)).map_err(gone)?;
                if let Some(job) = &job {
                    job.add(bytes);
                }
                Ok(())
            });
            let is_gone = sender.is_closed();
            if let Some(job) = &job {
                job.end(
                    written
                        .as_ref()
                        .map_err(|error| match is_gone {
                            true => "the download was broken off".to_owned(),
                            false => error.to_string(),
                        })
                        .copied(),
                );
            }
            if let Err(error) = written
                && !is_gone
            {
                tracing::warn!(camera = %name, "the export broke off: {error}");
                // The client sees that it is too short.
                let _ = sender.blocking_send(Err(io::Error::other(error)));
            }
        });
        let shutdown = viewer.app.shutdown.clone();
        let pieces = ReceiverStream::new(receiver);
        Body::from_stream(pieces.take_until(shutdown.cancelled_owned()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Nothing(_) => StatusCode::NOT_FOUND,
            Error::TooMuch(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Changed(_) | Error::Archive(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Output(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
