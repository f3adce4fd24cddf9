//! What an address asks of playback: `at`, `speed` and `session` of a stream.

use axum::http::{Method, StatusCode};

use super::{error::Failure, query::Asked, viewer::Viewer};
use crate::{
    hub::Feed,
    playback::{Change, Id, Moment, Name, Refused, Session, Speed, To, Unseen},
};

impl Asked {
    /// The moment that is asked for.
    pub(super) fn moment(&self) -> Result<Option<Moment>, Failure> {
        self.read("at")
    }

    pub(super) fn read<T: std::str::FromStr<Err = String>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let wrong = |error: String| Failure::bad(format!("`{name}`: {error}"));
        let value = self.value(name).map(str::parse);
        value.transpose().map_err(wrong)
    }
}

/// The session that a viewer asks for, begun if nobody did; `None` for what the camera sees now.
pub(super) async fn session(viewer: &Viewer, live: &Feed) -> Result<Option<Session>, Failure> {
    let (at, speed) = (viewer.asked.moment()?, viewer.asked.read::<Speed>("speed")?);
    let name = match viewer.asked.read::<Id>("session")? {
        Some(id) => Name::Known(id),
        None if at.is_some() => Name::Nameless,
        None if speed.is_some() => {
            return Err(Failure::bad("`speed` needs `at`: from when to play"));
        }
        None => return Ok(None),
    };
    if viewer.method == Method::HEAD {
        return Ok(None);
    }
    let start = Change {
        to: at.map(To::Moment),
        speed,
        paused: None,
    };
    Ok(Some(viewer.app.sessions.begin(live, name, start).await?))
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Nothing(_) => StatusCode::NOT_FOUND,
            Refused::NoPicture(_) => StatusCode::CONFLICT,
            Refused::TooMany | Refused::Hangs | Refused::Archive(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::new(status, refused.to_string())
    }
}

impl From<Unseen> for Failure {
    fn from(unseen: Unseen) -> Self {
        let status = match unseen {
            Unseen::Missing { .. } => StatusCode::NOT_FOUND,
            Unseen::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Unseen::Hangs | Unseen::Archive(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, unseen.to_string())
    }
}
