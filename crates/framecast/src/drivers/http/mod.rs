//! `http://…` and `https://…`: a camera on the network that serves an MJPEG stream, or single pictures that are fetched
//! again and again. What it sends tells which.

mod client;
mod login;
mod repeats;

use std::time::{Duration, Instant};

use bytes::Bytes;
use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames, Result};
use framecast_media::stream::Intake;
use futures_util::{Stream, TryStreamExt as _, stream};
use reqwest::{Response, header::CONTENT_TYPE};
use url::Url;

use super::{MAX_FRAME, Request, Scheme, pace::Pace};
use client::Client;
use login::Login;
use repeats::Repeats;

/// How often a single picture is fetched unless a rate is asked for.
const DEFAULT_FPS: f64 = 2.0;

pub(super) fn scheme(name: &'static str) -> Scheme {
    let about = "a network camera's MJPEG stream, or its single picture over and over";
    Scheme::new(name, about, Http::new)
        .options(&[(
            "insecure",
            "true: accept any certificate, such as one that the camera signed itself",
        )])
        .remote()
}

#[derive(Clone)]
struct Http {
    /// Without the user's name and password.
    address: Url,
    login: Option<Login>,
    /// The address as it may be shown.
    shown: String,
    insecure: bool,
    fps: f64,
    patience: Duration,
}

impl Http {
    fn new(request: &Request) -> Result<Self> {
        let shown = request.source.to_string();
        let mut address = Url::parse(request.source.expose()).map_err(|error| {
            let hint = "is no address; special characters in a password are written as %XX";
            Error::new(ErrorKind::Invalid, format!("{shown} {hint}")).with_source(error)
        })?;
        let login = Login::take_from(&mut address);
        Ok(Self {
            address,
            login,
            shown,
            insecure: request.switch("insecure")?,
            fps: request.fps.unwrap_or(DEFAULT_FPS),
            patience: request.patience(),
        })
    }

    async fn open(self) -> Result<Reading> {
        let fps = self.fps;
        let mut client = Client::new(self)?;
        let response = client.fetch().await?;
        match Content::of(&response, client.shown())? {
            Content::Stream(intake) => Ok(Reading::Stream {
                response,
                intake: Some(intake),
                shown: client.shown().to_owned(),
            }),
            Content::Picture => {
                let now = Instant::now();
                let mut pace = Pace::new(fps, now);
                pace.tick(now);
                Ok(Reading::Pictures {
                    first: Some(client.picture(response).await?),
                    client,
                    pace,
                    repeats: Repeats::default(),
                })
            }
        }
    }
}

impl Camera for Http {
    fn frames(&self) -> Frames {
        let opened = stream::once(self.clone().open());
        Frames::stream(opened.map_ok(Reading::frames).try_flatten())
    }
}

/// What an answer's header makes of its body.
enum Content {
    Stream(Intake),
    Picture,
}

impl Content {
    fn of(response: &Response, shown: &str) -> Result<Self> {
        let declared = response.headers().get(CONTENT_TYPE);
        let declared = declared.and_then(|it| it.to_str().ok()).map(str::trim);
        let media_type = declared.and_then(|it| it.split(';').next());
        let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
        let stream = || Ok(Self::Stream(Intake::new(declared, MAX_FRAME)));
        match media_type.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Ok(Self::Picture),
            multipart if multipart.starts_with("multipart/") => stream(),
            // Said by servers that know no better. Only a picture has a length.
            "" | "application/octet-stream" if response.content_length().is_some() => {
                Ok(Self::Picture)
            }
            ""
            | "application/octet-stream"
            | "video/mjpeg"
            | "video/x-mjpeg"
            | "video/x-motion-jpeg" => stream(),
            other => Err(Error::new(
                ErrorKind::Broken,
                format!(
                    "{shown} sends {other}, neither JPEG nor MJPEG: it must be the address of the pictures themselves"
                ),
            )),
        }
    }
}

/// An open camera.
enum Reading {
    Stream {
        response: Response,
        /// `None` behind the last frame.
        intake: Option<Intake>,
        shown: String,
    },
    Pictures {
        client: Client,
        first: Option<Bytes>,
        pace: Pace,
        repeats: Repeats,
    },
}

impl Reading {
    fn frames(self) -> impl Stream<Item = Result<Frame>> {
        stream::try_unfold(self, |mut reading| async {
            let frame = Frame::jpeg(reading.next().await?);
            Ok(Some((frame, reading)))
        })
    }

    async fn next(&mut self) -> Result<Bytes> {
        match self {
            Self::Stream {
                response,
                intake,
                shown,
            } => {
                while let Some(reading) = intake {
                    let broken = |error| {
                        let message = format!("the stream of {shown} can't be read");
                        Error::new(ErrorKind::Broken, message).with_source(error)
                    };
                    if let Some(jpeg) = reading.next().map_err(broken)? {
                        return Ok(jpeg);
                    }
                    let more = if reading.closed() {
                        None
                    } else {
                        let chunk = response.chunk().await;
                        chunk.map_err(|error| client::lost(shown, &error))?
                    };
                    match more {
                        Some(bytes) => reading.push(&bytes),
                        None => {
                            if let Some(jpeg) = intake.take().and_then(Intake::finish) {
                                return Ok(jpeg);
                            }
                        }
                    }
                }
                Err(Error::new(
                    ErrorKind::Lost,
                    format!("{shown} ended its stream"),
                ))
            }
            Self::Pictures {
                client,
                first,
                pace,
                repeats,
            } => loop {
                let picture = match first.take() {
                    Some(picture) => picture,
                    None => {
                        let (_, due) = pace.tick(Instant::now());
                        tokio::time::sleep_until(due.into()).await;
                        match client.fetch_picture().await {
                            // A kept connection may be closed just as it is used again.
                            Err(error) if error.kind() != ErrorKind::Denied => {
                                client.fetch_picture().await?
                            }
                            picture => picture?,
                        }
                    }
                };
                if repeats.is_news(&picture, Instant::now()) {
                    return Ok(picture);
                }
            },
        }
    }
}
