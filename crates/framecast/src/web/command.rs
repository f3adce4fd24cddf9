//! What a client says on the WebSocket.

use serde::Deserialize;

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    Watch {
        id: u16,
        camera: String,
        width: Option<u32>,
        height: Option<u32>,
        quality: Option<u8>,
        fps: Option<f64>,
    },
    Unwatch {
        id: u16,
    },
    Ack {
        id: u16,
        seq: u64,
    },
}
