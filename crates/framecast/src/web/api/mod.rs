//! The JSON interface, `/api/v1`. Its OpenAPI document is made from this code.
//!
//! What does not belong here: deciding. A handler reads a request, asks the catalog, and says what came of it.

mod cameras;
mod controls;
mod devices;
mod exports;
mod links;
mod object;
mod playback;
mod recording;
mod recordings;
mod request;
mod session;
mod types;

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::OpenApi;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouter},
    routes,
};

use super::{
    App,
    routes::{Needs, Routes},
};
use crate::access::Action;

pub use controls::{ControlKindView, ControlView, ControlsView, MenuView};
pub use devices::{
    DeviceFormatView, DeviceSizeView, DeviceView, DevicesView, ModeView, ModuleView,
};
pub use exports::{ExportState, ExportView};
pub use links::{LinkView, NewLink};
pub use playback::{MomentView, NewSession, SessionChange, SessionView};
pub use recording::{RecordingMode, RecordingStart, RecordingState, RecordingView};
pub use recordings::{ErasedView, NewPin, PinView, PinsView, SegmentView, SpanView, SpansView};
pub use session::LoginView;
pub use types::{
    CameraState, CameraView, CamerasView, Counters, NewCamera, SettingsChange, StateView,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "framecast",
    description = "Any camera on a web page, live: list, change, add and remove cameras, and see what is plugged in."
))]
struct Document;

/// The addresses, each with what one must be allowed to do.
fn addresses() -> Vec<(Needs, UtoipaMethodRouter<App>)> {
    const BROWSE: Needs = Needs::Server(Action::Browse);
    const ADMINISTER: Needs = Needs::Server(Action::Administer);
    const SEE: Needs = Needs::Named(Action::See);
    const CONTROL: Needs = Needs::Named(Action::Control);
    const STREAM: Needs = Needs::Named(Action::Stream);
    // The camera is in a parameter or in the body.
    const WATCH: Needs = Needs::Found(Action::Stream);
    const CHANGE: Needs = Needs::Found(Action::Control);
    vec![
        (BROWSE, routes!(session::show)),
        (BROWSE, routes!(cameras::list)),
        (ADMINISTER, routes!(cameras::add)),
        (SEE, routes!(cameras::show)),
        (CONTROL, routes!(cameras::change)),
        (ADMINISTER, routes!(cameras::remove)),
        (SEE, routes!(controls::list)),
        (CONTROL, routes!(controls::turn)),
        (Needs::Named(Action::Share), routes!(links::sign)),
        (ADMINISTER, routes!(devices::list)),
        (STREAM, routes!(playback::begin)),
        (
            STREAM,
            routes!(playback::show, playback::change, playback::end),
        ),
        (STREAM, routes!(exports::mp4)),
        (STREAM, routes!(exports::zip)),
        (STREAM, routes!(exports::show)),
        (SEE, routes!(recording::show)),
        (CONTROL, routes!(recording::start)),
        (CONTROL, routes!(recording::stop)),
        (WATCH, routes!(recordings::list)),
        (STREAM, routes!(recordings::spans)),
        (ADMINISTER, routes!(recordings::erase)),
        (WATCH, routes!(recordings::pins)),
        (CHANGE, routes!(recordings::pin)),
        (CHANGE, routes!(recordings::unpin)),
    ]
}

pub(super) fn add_to(routes: Routes) -> Routes {
    let all = addresses().into_iter();
    all.fold(routes, |routes, (needs, address)| {
        routes.described(needs, address)
    })
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let empty = OpenApiRouter::with_openapi(Document::openapi());
    let all = addresses().into_iter();
    let document = all.fold(empty, |router, (_, address)| router.routes(address));
    document.into_openapi().to_pretty_json().unwrap_or_default()
});

/// The OpenAPI document of this interface, as JSON.
pub fn openapi() -> &'static str {
    &DOCUMENT
}

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi()).into_response()
}
