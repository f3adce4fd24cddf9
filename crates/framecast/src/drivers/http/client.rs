//! Asks a camera for what it has, and says in one line why it doesn't give it.

use std::{error::Error as StdError, time::Duration};

use bytes::{Bytes, BytesMut};
use framecast_camera::{Error, ErrorKind, Result};
use reqwest::{
    ClientBuilder, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION},
    redirect::Policy,
};

use super::{Http, MAX_FRAME, login::Challenge};
use crate::drivers::redact::redact;

const USER_AGENT: &str = concat!("framecast/", env!("CARGO_PKG_VERSION"));
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("multipart/x-mixed-replace, image/jpeg;q=0.9");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_REDIRECTS: usize = 5;

/// A connection to one camera.
pub(super) struct Client {
    http: reqwest::Client,
    camera: Http,
    challenge: Challenge,
}

impl Client {
    pub(super) fn new(camera: Http) -> Result<Self> {
        let mut http = builder(&camera).build();
        if http.is_err() && camera.address.scheme() == "http" {
            // A small machine may have no authorities to trust, which is no reason to refuse what needs none.
            http = builder(&camera).tls_certs_only([]).build();
        }
        let http = http.map_err(|error| {
            let (shown, why) = (&camera.shown, root(&error));
            Error::new(
                ErrorKind::Unsupported,
                format!("no connection to {shown} can be prepared ({why}): install ca-certificates, or set insecure=true"),
            )
        })?;
        Ok(Self {
            http,
            camera,
            challenge: Challenge::default(),
        })
    }

    /// The camera's address as it may be shown.
    pub(super) fn shown(&self) -> &str {
        &self.camera.shown
    }

    /// The camera's answer, which is a good one.
    pub(super) async fn fetch(&mut self) -> Result<Response> {
        let mut response = self.ask().await?;
        if response.status() == StatusCode::UNAUTHORIZED
            // The password is for this camera, not for whom it may redirect to.
            && response.url().origin() == self.camera.address.origin()
            && self.camera.login.is_some()
            && self.challenge.hear(response.headers())
        {
            self.camera.address = response.url().clone();
            // Closed first: many a camera serves one connection at a time.
            drop(response);
            response = self.ask().await?;
        }
        let shown = &self.camera.shown;
        let status = response.status();
        let (kind, message) = match status {
            _ if status.is_success() => return Ok(response),
            StatusCode::UNAUTHORIZED if self.camera.login.is_none() => (
                ErrorKind::Denied,
                format!(
                    "{shown} wants a name and a password: write them as NAME:PASSWORD@ before its host"
                ),
            ),
            StatusCode::UNAUTHORIZED => (
                ErrorKind::Denied,
                format!("{shown} does not accept this name and password"),
            ),
            StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                (ErrorKind::Denied, format!("{shown} answers {status}"))
            }
            _ if status.is_redirection() => {
                let location = response.headers().get(LOCATION);
                let location = location.and_then(|it| it.to_str().ok()).unwrap_or_default();
                let location = redact(location);
                (
                    ErrorKind::Broken,
                    format!("{shown} redirects to `{location}`, where no camera can be"),
                )
            }
            _ => (ErrorKind::Unavailable, format!("{shown} answers {status}")),
        };
        Err(Error::new(kind, message))
    }

    /// The whole body of an answer that is one picture.
    pub(super) async fn picture(&self, mut response: Response) -> Result<Bytes> {
        let shown = &self.camera.shown;
        let mut picture = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) if picture.len() + bytes.len() > MAX_FRAME => {
                    return Err(Error::new(
                        ErrorKind::Broken,
                        format!("{shown} sends a picture of more than {MAX_FRAME} bytes"),
                    ));
                }
                Ok(Some(bytes)) => picture.extend_from_slice(&bytes),
                Ok(None) => return Ok(picture.freeze()),
                Err(error) => return Err(lost(shown, &error)),
            }
        }
    }

    /// One more picture from where there was one.
    pub(super) async fn fetch_picture(&mut self) -> Result<Bytes> {
        let response = self.fetch().await?;
        self.picture(response).await
    }

    async fn ask(&mut self) -> Result<Response> {
        let camera = &self.camera;
        let mut request = self.http.get(camera.address.clone());
        if let Some(login) = &camera.login {
            let authorization = self.challenge.answer(login, &camera.address);
            let authorization = authorization.map_err(|why| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "{} wants a login that is not known here: {why}",
                        camera.shown
                    ),
                )
            })?;
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().await;
        response.map_err(|error| unreached(&camera.shown, &error))
    }
}

fn builder(camera: &Http) -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(HeaderMap::from_iter([(ACCEPT, ACCEPTED)]))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(camera.patience)
        .redirect(redirects())
        .referer(false)
        // Cameras write their headers by hand.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .tls_danger_accept_invalid_certs(camera.insecure)
}

/// Within limits, and never to anything but HTTP.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error(format!("it redirects more than {MAX_REDIRECTS} times"));
        }
        match attempt.url().scheme() {
            "http" | "https" => attempt.follow(),
            other => {
                let message = format!("it redirects to an address that starts with {other}");
                attempt.error(message)
            }
        }
    })
}

/// Why there was no answer.
fn unreached(shown: &str, error: &reqwest::Error) -> Error {
    let why = root(error);
    if error.is_timeout() {
        let what = if error.is_connect() {
            "be reached"
        } else {
            "answer"
        };
        return Error::new(
            ErrorKind::Unavailable,
            format!("{shown} did not {what} in time"),
        );
    }
    if error.is_redirect() {
        return Error::new(ErrorKind::Broken, format!("{shown} leads nowhere: {why}"));
    }
    // rustls is not among the dependencies, so its error is known by its words.
    if why.contains("certificate") {
        return Error::new(
            ErrorKind::Denied,
            format!(
                "{shown} has a certificate that is not trusted ({why}): the option insecure=true accepts it"
            ),
        );
    }
    Error::new(
        ErrorKind::Unavailable,
        format!("{shown} can't be reached: {why}"),
    )
}

/// Why there was no more of an answer.
pub(super) fn lost(shown: &str, error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::new(ErrorKind::Lost, format!("{shown} fell silent"));
    }
    Error::new(
        ErrorKind::Lost,
        format!("{shown} broke off: {}", root(error)),
    )
}

/// The last cause, which alone says what happened.
fn root(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
