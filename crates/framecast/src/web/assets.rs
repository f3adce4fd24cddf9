//! The script, style and icon files of the pages, compiled into the binary.
//!
//! They are the same for everyone and hold no secrets, so any page on any host may use them: that is how a camera gets
//! embedded elsewhere. What does not belong here: anything that depends on the configuration or the request.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = "text/javascript; charset=utf-8";

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $media_type:expr) => {
        Asset {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/", $name)),
        }
    };
}

static ASSETS: [Asset; 19] = [
    asset!("framecast.js", SCRIPT),
    asset!("link.js", SCRIPT),
    asset!("condition.js", SCRIPT),
    asset!("controls.js", SCRIPT),
    asset!("picture.js", SCRIPT),
    asset!("look.js", SCRIPT),
    asset!("page.js", SCRIPT),
    asset!("player.js", SCRIPT),
    asset!("playback.js", SCRIPT),
    asset!("sessions.js", SCRIPT),
    asset!("timeline.js", SCRIPT),
    asset!("range.js", SCRIPT),
    asset!("keys.js", SCRIPT),
    asset!("recording.js", SCRIPT),
    asset!("export.js", SCRIPT),
    asset!("framecast.css", "text/css; charset=utf-8"),
    asset!("player.css", "text/css; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
    asset!("manifest.webmanifest", "application/manifest+json"),
];

/// One tag for all of them: modules that import each other change together.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for asset in &ASSETS {
        asset.bytes.hash(&mut hasher);
    }
    format!("\"{:016x}\"", hasher.finish())
});

/// Serves `/assets/{path}`. A browser asks each time and hears "not modified" until the server is another version.
pub async fn assets(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let common = [
        (ETAG, TAG.as_str()),
        (CACHE_CONTROL, "no-cache"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(is_current) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(CONTENT_TYPE, asset.media_type)], asset.bytes).into_response()
}

/// A proxy that compresses turns the tag into a weak one.
fn is_current(if_none_match: &str) -> bool {
    if_none_match
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == *TAG || tag == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fetch(path: &str, if_none_match: Option<&str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(tag) = if_none_match {
            headers.insert(IF_NONE_MATCH, tag.parse().unwrap());
        }
        assets(Path(path.to_owned()), headers).await
    }

    #[tokio::test]
    async fn script_is_served_as_a_script() {
        let response = fetch("framecast.js", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], SCRIPT);
    }

    #[tokio::test]
    async fn unchanged_asset_is_not_sent_again() {
        let response = fetch("framecast.css", None).await;
        let tag = response.headers()[ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"old\", {tag}")] {
            let response = fetch("framecast.css", Some(&known)).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        let response = fetch("framecast.css", Some("\"old\"")).await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn nothing_but_the_assets_is_served() {
        for path in ["package.json", "../Cargo.toml", ""] {
            assert_eq!(fetch(path, None).await.status(), StatusCode::NOT_FOUND);
        }
    }

    #[test]
    fn every_module_that_is_imported_is_an_asset() {
        for asset in ASSETS.iter().filter(|asset| asset.media_type == SCRIPT) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            for import in text.lines().filter(|line| line.starts_with("import ")) {
                let name = import
                    .split("'./")
                    .nth(1)
                    .unwrap()
                    .trim_end_matches([';', '\'']);
                assert!(
                    ASSETS.iter().any(|asset| asset.name == name),
                    "{}: {name}",
                    asset.name
                );
            }
        }
    }
}
