//! The WebSocket that carries many cameras: the transport of [`crate::sinks::multiplex`].

use std::{collections::HashMap, time::Duration};

use axum::{
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{App, access::Asker, api::SessionView, command::Command, error::Failure, guard, pace};
use crate::{
    access::{Action, Decision},
    hub::{Feed, Variant},
    playback::{Change, Name, Session},
    sinks::multiplex::{self, Multiplex},
};

/// The subprotocol's name and version.
const PROTOCOL: &str = "framecast.v1";
/// The largest command of a client.
const MOST_COMMAND: usize = 4 * 1024;
/// How often every watched camera's state is told.
const REPORT: Duration = Duration::from_secs(1);

/// What a client is told besides pictures.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Report<'a> {
    State {
        id: u16,
        camera: &'a str,
        state: &'a str,
        reason: Option<&'a str>,
        viewers: usize,
        fps: f64,
        size: Option<String>,
        device: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        playback: Option<Box<SessionView>>,
    },
    Error {
        id: u16,
        reason: String,
    },
}

/// `/ws`
pub(super) async fn open(
    State(app): State<App>,
    asker: Asker,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Failure> {
    if !guard::may_read(&app, headers.get(header::ORIGIN), headers.get(header::HOST)) {
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            "this site may not show the cameras: add its origin to `allow_origins`",
        ));
    }
    Ok(upgrade
        .protocols([PROTOCOL])
        .max_message_size(MOST_COMMAND)
        .max_frame_size(MOST_COMMAND)
        // Nothing is held back: what doesn't fit the socket waits as the newest frame in the hub.
        .write_buffer_size(0)
        .on_upgrade(move |socket| {
            let played = HashMap::new();
            Client {
                app,
                asker,
                socket,
                played,
            }
            .run()
        }))
}

struct Client {
    app: App,
    asker: Asker,
    socket: WebSocket,
    /// The watches that are on a session of playback.
    played: HashMap<u16, Session>,
}

impl Client {
    async fn run(mut self) {
        let mut cameras = Multiplex::new();
        let mut report = interval(REPORT);
        report.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let shutdown = self.app.shutdown.clone();
        loop {
            let went_on = tokio::select! {
                () = shutdown.cancelled() => false,
                said = self.socket.recv() => match said {
                    Some(Ok(Message::Text(text))) => self.obey(&mut cameras, &text).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => true,
                },
                message = cameras.next() => match message {
                    multiplex::Message::Picture(bytes) => self.send(Message::Binary(bytes)).await,
                    multiplex::Message::Status(id) => match cameras.feed(id) {
                        Some(feed) => self.state(id, &feed.clone()).await,
                        None => true,
                    },
                    multiplex::Message::Gone(id) if self.played.remove(&id).is_some() => {
                        self.fault(id, "the session is over").await
                    }
                    multiplex::Message::Gone(id) => self.fault(id, "the camera was removed").await,
                },
                _ = report.tick() => self.allow(&mut cameras).await && {
                    let watched = cameras.watched();
                    self.report(&watched).await
                },
            };
            if !went_on {
                break;
            }
        }
        let _closing = timeout(
            Duration::from_secs(1),
            self.socket.send(Message::Close(None)),
        )
        .await;
    }

    /// Does what the client says; `false` ends the session.
    async fn obey(&mut self, cameras: &mut Multiplex, text: &str) -> bool {
        match serde_json::from_str(text) {
            Ok(Command::Ack { id, seq }) => {
                cameras.acknowledge(id, seq);
                true
            }
            Ok(Command::Unwatch { id }) => {
                cameras.unwatch(id);
                self.played.remove(&id);
                true
            }
            Ok(Command::Watch {
                id,
                camera,
                width,
                height,
                quality,
                fps,
                session,
            }) => {
                let variant = Variant {
                    width,
                    height,
                    quality,
                };
                let watched = self.watch(cameras, id, &camera, variant, fps, session.as_deref());
                match watched.await {
                    Ok(()) => true,
                    Err(reason) => self.fault(id, &reason).await,
                }
            }
            // A client of another make: going on would only leave it waiting.
            Err(_) => false,
        }
    }

    async fn watch(
        &mut self,
        cameras: &mut Multiplex,
        id: u16,
        camera: &str,
        variant: Variant,
        fps: Option<f64>,
        session: Option<&str>,
    ) -> Result<(), String> {
        if cameras.watched().len() >= multiplex::MOST {
            return Err(format!(
                "one connection watches {} cameras at most",
                multiplex::MOST
            ));
        }
        let senseless = variant.width == Some(0)
            || variant.height == Some(0)
            || variant
                .quality
                .is_some_and(|quality| !(1..=100).contains(&quality))
            || fps.is_some_and(|fps| !(0.001..=1000.0).contains(&fps));
        if senseless {
            return Err("width, height, quality or fps is out of range".to_owned());
        }
        let feed = self
            .app
            .catalog
            .hub()
            .feed(camera)
            .filter(|_| self.asker.decide(Action::Stream, camera) == Decision::Allow)
            .ok_or_else(|| format!("no camera is called {camera}"))?;
        let session = match session {
            Some(name) => {
                let name = Name::Known(name.parse()?);
                // Live, if it is new: no disk is waited for.
                let begun = self.app.sessions.begin(&feed, name, Change::default());
                Some(begun.await.map_err(|refused| refused.to_string())?)
            }
            None => None,
        };
        let subscription = session
            .as_ref()
            .map_or(&feed, Session::feed)
            .subscribe_to(variant)
            .map_err(|error| error.to_string())?;
        cameras.watch(id, subscription.at_most(fps));
        match session {
            Some(session) => self.played.insert(id, session),
            None => self.played.remove(&id),
        };
        Ok(())
    }

    /// Takes away what the client may no longer see; `false` ends the session of one who may see nothing.
    async fn allow(&mut self, cameras: &mut Multiplex) -> bool {
        if !self.asker.still_may(Action::Browse, None) {
            return false;
        }
        for (id, feed) in cameras.watched() {
            if !self.asker.still_may(Action::Stream, Some(feed.name())) {
                cameras.unwatch(id);
                let gone = format!("no camera is called {}", feed.name());
                if !self.fault(id, &gone).await {
                    return false;
                }
            }
        }
        true
    }

    async fn report(&mut self, watched: &[(u16, Feed)]) -> bool {
        for (id, feed) in watched {
            if !self.state(*id, feed).await {
                return false;
            }
        }
        // Finds out about a client that is gone without a word.
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn state(&mut self, id: u16, feed: &Feed) -> bool {
        let status = feed.status();
        self.tell(&Report::State {
            id,
            camera: feed.name(),
            state: status.state.as_str(),
            reason: status.state.reason().map(AsRef::as_ref),
            viewers: feed
                .stats()
                .viewers
                .load(std::sync::atomic::Ordering::Relaxed),
            fps: (feed.fps() * 10.0).round() / 10.0,
            size: feed.size().map(|size| size.to_string()),
            device: feed.given().map(|given| given.to_string()),
            playback: self.played.get(&id).map(SessionView::of).map(Box::new),
        })
        .await
    }

    async fn fault(&mut self, id: u16, reason: &str) -> bool {
        self.tell(&Report::Error {
            id,
            reason: reason.to_owned(),
        })
        .await
    }

    async fn tell(&mut self, report: &Report<'_>) -> bool {
        match serde_json::to_string(report) {
            Ok(text) => self.send(Message::Text(text.into())).await,
            Err(_) => false,
        }
    }

    async fn send(&mut self, message: Message) -> bool {
        // Where the server's own loop runs, `pace` looks at it more closely.
        let most = pace::time_for(message_len(&message));
        let sent = timeout(most, self.socket.send(message)).await;
        matches!(sent, Ok(Ok(())))
    }
}

fn message_len(message: &Message) -> usize {
    match message {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) | Message::Ping(bytes) | Message::Pong(bytes) => bytes.len(),
        Message::Close(_) => 0,
    }
}
