//! The JSON interface, `/api/v1`. Its OpenAPI document is made from this code.
//!
//! What does not belong here: deciding. A handler reads a request, asks the catalog, and says what came of it.

mod cameras;
mod controls;
mod devices;
mod object;
mod playback;
mod recording;
mod recordings;
mod request;
mod types;

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::App;

pub use controls::{ControlKindView, ControlView, ControlsView, MenuView};
pub use devices::{
    DeviceFormatView, DeviceSizeView, DeviceView, DevicesView, ModeView, ModuleView,
};
pub use playback::{MomentView, NewSession, SessionChange, SessionView};
pub use recording::{RecordingMode, RecordingStart, RecordingState, RecordingView};
pub use recordings::{ErasedView, NewPin, PinView, PinsView, SegmentView, SpanView, SpansView};
pub use types::{
    CameraState, CameraView, CamerasView, Counters, NewCamera, SettingsChange, StateView,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "framecast",
    description = "Any camera on a web page, live: list, change, add and remove cameras, and see what is plugged in."
))]
struct Document;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(cameras::list, cameras::add))
        .routes(routes!(cameras::show, cameras::change, cameras::remove))
        .routes(routes!(controls::list, controls::turn))
        .routes(routes!(devices::list))
        .routes(routes!(playback::begin))
        .routes(routes!(playback::show, playback::change, playback::end))
        .routes(routes!(recording::show))
        .routes(routes!(recording::start))
        .routes(routes!(recording::stop))
        .routes(routes!(recordings::list))
        .routes(routes!(recordings::spans))
        .routes(routes!(recordings::erase))
        .routes(routes!(recordings::pins, recordings::pin))
        .routes(routes!(recordings::unpin))
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let (_, document) = router().split_for_parts();
    document.to_pretty_json().unwrap_or_default()
});

/// The OpenAPI document of this interface, as JSON.
pub fn openapi() -> &'static str {
    &DOCUMENT
}

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi()).into_response()
}
