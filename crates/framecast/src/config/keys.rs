//! The keys of each table, each with what it does: the one list behind parsing, flags and suggestions.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use framecast_camera::Size;
use framecast_media::jpeg::Lenience;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{
    Limits, Listen, Log, Storage,
    draft::Draft,
    users::role,
    value::{Parsed, Value, within_a_year},
};
use crate::{
    access::IpNet,
    hub::{Linger, Policy},
    recordings,
    sinks::recorder::{self, Mode},
};

/// One key of a table that fills a `T`.
#[derive(Debug)]
pub(super) struct Key<T: 'static> {
    pub(super) name: &'static str,
    pub(super) set: fn(&mut T, Value<'_>) -> Parsed<()>,
}

/// What may be said of every camera, in its own table or in `[defaults]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) size: Option<Size>,
    pub(super) fps: Option<f64>,
    pub(super) quality: Option<u8>,
    linger: Option<Linger>,
    first_frame: Option<Duration>,
    stall: Option<Duration>,
    broken: Option<Lenience>,
    record: Option<Mode>,
    pre_record: Option<Duration>,
    keep: Option<Duration>,
    max_size: Option<u64>,
    pub(super) networks: Option<Vec<IpNet>>,
}

impl Settings {
    /// These, and where they say nothing, those.
    pub(super) fn or(&self, fallback: &Self) -> Self {
        Self {
            size: self.size.or(fallback.size),
            fps: self.fps.or(fallback.fps),
            quality: self.quality.or(fallback.quality),
            linger: self.linger.or(fallback.linger),
            first_frame: self.first_frame.or(fallback.first_frame),
            stall: self.stall.or(fallback.stall),
            broken: self.broken.or(fallback.broken),
            record: self.record.or(fallback.record),
            pre_record: self.pre_record.or(fallback.pre_record),
            keep: self.keep.or(fallback.keep),
            max_size: self.max_size.or(fallback.max_size),
            networks: self.networks.clone().or_else(|| fallback.networks.clone()),
        }
    }

    /// How the camera is recorded where `keep` is for those that say nothing themselves.
    pub(super) fn record(&self, keep: Option<Duration>) -> recorder::Plan {
        recorder::Plan {
            mode: self.record.unwrap_or_default(),
            pre_record: self.pre_record.unwrap_or_default(),
            limits: recordings::Limits {
                keep: self.keep.or(keep),
                max_size: self.max_size,
            },
        }
    }

    pub(super) fn policy(&self) -> Policy {
        let default = Policy::default();
        Policy {
            linger: self.linger.unwrap_or(default.linger),
            first_frame: self.first_frame.unwrap_or(default.first_frame),
            stall: self.stall.unwrap_or(default.stall),
            broken: self.broken.unwrap_or(default.broken),
            order: default.order,
        }
    }
}

/// The key of that name.
pub(super) fn find<T>(keys: &'static [Key<T>], name: &str) -> Option<&'static Key<T>> {
    keys.iter().find(|key| key.name == name)
}

/// The names of all keys.
pub(super) fn names<T>(keys: &'static [Key<T>]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}

/// A key that is one field of its table.
macro_rules! key {
    ($field:ident: $parse:expr) => {
        Key {
            name: stringify!($field),
            set: |table, value| {
                let parse: fn(Value<'_>) -> Parsed<_> = $parse;
                table.$field = parse(value)?;
                Ok(())
            },
        }
    };
}

/// `[defaults]` and `[cameras.NAME]`.
pub(super) const CAMERA: &[Key<Settings>] = &[
    key!(size: |value| value.size().map(Some)),
    key!(fps: |value| fps(value).map(Some)),
    key!(quality: |value| Ok(u8::try_from(value.whole(1, 100)?).ok())),
    key!(linger: |value| linger(value).map(Some)),
    key!(first_frame: |value| value.duration().map(Some)),
    key!(stall: |value| value.duration().map(Some)),
    key!(broken: |value| broken(value).map(Some)),
    key!(networks: |value| networks(value).map(Some)),
    key!(record: |value| record(value).map(Some)),
    key!(pre_record: |value| pre_record(value).map(Some)),
    key!(keep: |value| value.age().map(Some)),
    key!(max_size: |value| Ok(Some(value.bytes()? as u64))),
];

/// `[recordings]`.
pub(super) const RECORDINGS: &[Key<Storage>] = &[
    key!(path: |value| path(value).map(Some)),
    key!(keep: |value| value.age().map(Some)),
    key!(max_size: |value| Ok(Some(value.bytes()? as u64))),
    key!(min_free: |value| min_free(value)),
    key!(segment: |value| segment(value)),
];

/// Before the first table.
pub(super) const TOP: &[Key<Draft>] = &[
    Key {
        name: "listen",
        set: |draft, value| {
            draft.config.listen = listen(value)?;
            Ok(())
        },
    },
    Key {
        name: "base_path",
        set: |draft, value| {
            draft.config.base_path = base_path(value)?;
            Ok(())
        },
    },
    Key {
        name: "allow_hosts",
        set: |draft, value| {
            let texts = value.texts("cams.example.org")?;
            draft.config.allow_hosts = texts.into_iter().map(host).collect::<Parsed<_>>()?;
            Ok(())
        },
    },
    Key {
        name: "allow_origins",
        set: |draft, value| {
            let texts = value.texts("https://example.org")?;
            draft.config.allow_origins = texts.into_iter().map(origin).collect::<Parsed<_>>()?;
            Ok(())
        },
    },
    Key {
        name: "no_auth",
        set: |draft, value| {
            draft.config.no_auth = value.boolean()?;
            Ok(())
        },
    },
    Key {
        name: "trusted_proxies",
        set: |draft, value| {
            draft.config.trusted_proxies = networks(value)?;
            Ok(())
        },
    },
    Key {
        name: "local_role",
        set: |draft, value| {
            draft.config.local_role = Some(role(value)?);
            Ok(())
        },
    },
];

/// `[log]`.
pub(super) const LOG: &[Key<Log>] = &[
    Key {
        name: "level",
        set: |log, value| {
            log.filter = filter(value)?;
            Ok(())
        },
    },
    key!(json: |value| value.boolean()),
];

/// `[limits]`.
pub(super) const LIMITS: &[Key<Limits>] = &[
    key!(connections: |value| Ok(value.whole(1, u64::from(u32::MAX))? as usize)),
    key!(waiting: |value| Ok(value.whole(1, u64::from(u32::MAX))? as usize)),
    key!(frame_bytes: |value| value.bytes()),
    key!(push_rate: |value| value.positive()),
];

fn fps(value: Value<'_>) -> Parsed<f64> {
    let fps = value.positive()?;
    // Beyond these the time between two frames is lost in rounding, or longer than anyone waits.
    if !(0.001..=240.0).contains(&fps) {
        return Err(format!(
            "must be from 0.001 to 240 frames a second, not {fps}"
        ));
    }
    Ok(fps)
}

fn linger(value: Value<'_>) -> Parsed<Linger> {
    let linger = value.text("10s")?.trim().parse()?;
    if let Linger::For(time) = linger {
        within_a_year(time).map_err(|why| format!("{why}; \"never\" keeps the camera open"))?;
    }
    Ok(linger)
}

fn broken(value: Value<'_>) -> Parsed<Lenience> {
    match value.text("drop")? {
        "drop" => Ok(Lenience::Strict),
        "pass" => Ok(Lenience::Pass),
        other => Err(format!(
            "must be \"drop\" or \"pass\" (what happens to pictures that break off early), not `{other}`"
        )),
    }
}

fn record(value: Value<'_>) -> Parsed<Mode> {
    const MODES: [Mode; 3] = [Mode::Off, Mode::Always, Mode::Manual];
    let text = value.text("always")?;
    let mode = MODES.into_iter().find(|mode| mode.as_str() == text);
    mode.ok_or_else(|| {
        format!("must be \"off\", \"always\" or \"manual\" (started and stopped over the API), not `{text}`")
    })
}

fn pre_record(value: Value<'_>) -> Parsed<Duration> {
    let time = value.duration()?;
    // It is kept in memory.
    if time > Duration::from_secs(3600) {
        return Err("must be an hour at most, for it is kept in memory".to_owned());
    }
    Ok(time)
}

fn path(value: Value<'_>) -> Parsed<PathBuf> {
    match value.text("/srv/recordings")? {
        "" => Err("must name a folder such as \"/srv/recordings\"".to_owned()),
        path => Ok(path.into()),
    }
}

fn min_free(value: Value<'_>) -> Parsed<u64> {
    match value.whole(0, 0) {
        Ok(nothing) => Ok(nothing),
        Err(_) => Ok(value.bytes()? as u64),
    }
}

fn segment(value: Value<'_>) -> Parsed<Duration> {
    let time = value.duration()?;
    let longest = recordings::Settings::LONGEST_SEGMENT;
    if !(Duration::from_secs(1)..=longest).contains(&time) {
        return Err("must be from 1s to 1h".to_owned());
    }
    Ok(time)
}

/// Networks, or single addresses.
fn networks(value: Value<'_>) -> Parsed<Vec<IpNet>> {
    let network =
        |text: &str| {
            let address = text
                .parse::<IpAddr>()
                .map(|ip| IpNet::from(ip.to_canonical()));
            let network = address.ok().or_else(|| text.parse().ok());
            network.map(|network: IpNet| network.trunc()).ok_or_else(|| {
            format!("`{text}` is no network; write it like 192.168.1.0/24, fd00::/8 or 127.0.0.1")
        })
        };
    value
        .texts("192.168.1.0/24")?
        .into_iter()
        .map(network)
        .collect()
}

fn listen(value: Value<'_>) -> Parsed<Vec<Listen>> {
    let mut addresses: Vec<Listen> = Vec::new();
    for text in value.texts("127.0.0.1:5000")? {
        let address = text.parse()?;
        if addresses.contains(&address) {
            return Err(format!("names {address} twice"));
        }
        addresses.push(address);
    }
    if addresses.is_empty() {
        return Err("must name at least one address such as 127.0.0.1:5000".to_owned());
    }
    Ok(addresses)
}

fn base_path(value: Value<'_>) -> Parsed<String> {
    let text = value.text("/cameras")?;
    let path = text.strip_suffix('/').unwrap_or(text);
    let segment_is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    };
    match path.strip_prefix('/') {
        _ if path.is_empty() => Ok(String::new()),
        Some(segments) if segments.split('/').all(segment_is_plain) => Ok(path.to_owned()),
        _ => Err(format!(
            "`{text}` is no path; write it like /cameras, with letters, digits, `-`, `.`, `_` and `~`"
        )),
    }
}

fn host(text: &str) -> Parsed<String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if text == "*" || (!text.is_empty() && text.chars().all(letters)) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!(
        "`{text}` is no host name; write it like cams.example.org, without http:// and port, or `*` for all"
    ))
}

fn origin(text: &str) -> Parsed<String> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    Url::parse(text)
        .ok()
        .filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            format!("`{text}` is no origin; write it like https://example.org, without a path, or `*` for all")
        })
}

fn filter(value: Value<'_>) -> Parsed<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = value.text("info")?.trim();
    // A lone word that is no level would be taken for the name of a module, and a slip would switch everything off.
    for part in text.split(',').map(str::trim) {
        let word = part.chars().all(|c| c.is_ascii_alphanumeric());
        if word && !LEVELS.contains(&part.to_ascii_lowercase().as_str()) {
            return Err(format!(
                "`{part}` is no level: {}, or a filter such as info,framecast::hub=debug",
                super::mistakes::suggest(part, LEVELS)
            ));
        }
    }
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("`{text}` is no filter: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{tls::TLS, users::USER},
        *,
    };

    #[test]
    fn the_sample_file_shows_every_key() {
        let sample = include_str!("../../../../packaging/framecast.toml");
        let all = names(TOP)
            .chain(names(TLS))
            .chain(names(CAMERA))
            .chain(names(RECORDINGS))
            .chain(names(LOG))
            .chain(names(USER))
            .chain(names(LIMITS));
        for key in all {
            let shown = |line: &str| {
                line.trim_start_matches('#')
                    .starts_with(&format!("{key} = "))
            };
            assert!(sample.lines().any(shown), "{key}");
        }
    }
}
