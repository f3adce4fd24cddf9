use std::{collections::BTreeMap, fmt, path::PathBuf};

use framecast_camera::ErrorKind;

use super::{
    Camera, Config, Mistake, Mistakes, Place,
    inline::{self, Inline},
    keys::{self, Key, Settings},
    mistakes::suggest,
    tls,
    value::{Parsed, Value},
};
use crate::drivers::{Registry, Request, Source};

/// What was typed on the command line and in the environment, unread so far.
///
/// Kept for as long as the server runs, for a reload resolves it again with the file. An empty text says nothing, as an
/// empty environment variable does.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Where to listen.
    pub listen: Vec<String>,
    /// The certificate's file.
    pub tls_certificate: String,
    /// The file of its key.
    pub tls_key: String,
    /// Whether the server makes a certificate itself.
    pub tls_self_signed: bool,
    /// Where requests are only sent on to the encrypted address.
    pub tls_redirect: Vec<String>,
    /// What all paths start with.
    pub base_path: String,
    /// Cameras as `NAME=SOURCE#key=value,…`, from the command line.
    pub cameras: Vec<String>,
    /// The same from the environment, all in one text; one of the command line with the same name replaces it.
    pub camera_list: String,
    /// The source of the only camera where none is configured otherwise.
    pub driver: String,
    /// What OpenCV is to open where `driver` is `opencv` and no more: a number, a path or an address.
    pub opencv_source: String,
    /// For every camera that says nothing itself.
    pub size: String,
    /// For every camera that says nothing itself.
    pub fps: String,
    /// For every camera that says nothing itself.
    pub quality: String,
    /// For every camera that says nothing itself.
    pub linger: String,
    /// For every camera that says nothing itself.
    pub record: String,
    /// The folder of the recordings.
    pub recordings: String,
    /// Whether everyone may watch.
    pub no_auth: bool,
    /// Other web sites that may show the cameras.
    pub allow_origins: Vec<String>,
    /// `--allow-host`.
    pub allow_hosts: Vec<String>,
    /// What is logged.
    pub log: String,
    /// Whether it is logged as JSON.
    pub log_json: bool,
}

/// Without the cameras, for there may be passwords in their sources.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given")
            .field("file", &self.file)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// A configuration in the making: each place that says something writes over those before it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// All but TLS and the cameras.
    pub(super) config: Config,
    pub(super) tls: tls::Draft,
    pub(super) defaults: Settings,
    pub(super) cameras: Vec<Entry>,
}

/// A camera in the making.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) settings: Settings,
    pub(super) options: BTreeMap<String, String>,
    /// Where its source stands.
    pub(super) place: Place,
}

impl Draft {
    /// Writes what was given over what the file says.
    pub(super) fn give(&mut self, given: &Given, registry: &Registry, mistakes: &mut Vec<Mistake>) {
        let mut wrong = |flag: &str, why: String| {
            mistakes.push(Mistake {
                place: Place::Given(format!("{flag} or {}", variable(flag))),
                message: why,
            });
        };
        self.config.file.clone_from(&given.file);
        for (flag, key, texts) in [
            ("--listen", "listen", &given.listen),
            ("--allow-host", "allow_hosts", &given.allow_hosts),
            ("--allow-origin", "allow_origins", &given.allow_origins),
        ] {
            if texts.iter().any(|text| !text.trim().is_empty()) {
                set(keys::TOP, key, self, Value::Several(texts))
                    .unwrap_or_else(|why| wrong(flag, why));
            }
        }
        self.tls.give(given, &mut wrong);
        if !given.base_path.is_empty() {
            set(keys::TOP, "base_path", self, Value::Typed(&given.base_path))
                .unwrap_or_else(|why| wrong("--base-path", why));
        }
        if !given.log.trim().is_empty() {
            let log = &mut self.config.log;
            set(keys::LOG, "level", log, Value::Typed(&given.log))
                .unwrap_or_else(|why| wrong("--log", why));
        }
        for (flag, key, text) in [
            ("--size", "size", &given.size),
            ("--fps", "fps", &given.fps),
            ("--quality", "quality", &given.quality),
            ("--linger", "linger", &given.linger),
            ("--record", "record", &given.record),
        ] {
            if !text.trim().is_empty() {
                set(keys::CAMERA, key, &mut self.defaults, Value::Typed(text))
                    .unwrap_or_else(|why| wrong(flag, why));
            }
        }
        if !given.recordings.trim().is_empty() {
            let storage = &mut self.config.storage;
            set(
                keys::RECORDINGS,
                "path",
                storage,
                Value::Typed(&given.recordings),
            )
            .unwrap_or_else(|why| wrong("--recordings", why));
        }
        self.config.no_auth |= given.no_auth;
        self.config.log.json |= given.log_json;

        let listed = inline::split(&given.camera_list).collect::<Vec<_>>();
        self.add(&listed, "FRAMECAST_CAMERAS", registry, mistakes);
        let typed: Vec<&str> = given.cameras.iter().map(String::as_str).collect();
        self.add(&typed, "--camera", registry, mistakes);
        if self.cameras.is_empty() && mistakes.is_empty() {
            let driver = given.driver.trim();
            if driver.is_empty() {
                self.add(&["camera=test"], "the camera `test`", registry, mistakes);
            } else if driver == "opencv" {
                let source = given.opencv_source.trim();
                let from = "OPENCV_CAMERA_SOURCE";
                self.add(
                    &[&format!("camera=opencv:{source}")],
                    from,
                    registry,
                    mistakes,
                );
            } else {
                self.add(&[&format!("camera={driver}")], "CAMERA", registry, mistakes);
            }
        }
    }

    /// Adds cameras from one place, which replace those of the same name from the places before.
    fn add(
        &mut self,
        texts: &[&str],
        from: &str,
        registry: &Registry,
        mistakes: &mut Vec<Mistake>,
    ) {
        let mut added: Vec<Entry> = Vec::new();
        let mut nameless: Vec<(Inline, Place)> = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            // Not the text itself: there may be a password in it.
            let place = match texts.len() {
                1 => Place::Given(from.to_owned()),
                _ => Place::Given(format!("{from} ({}.)", number + 1)),
            };
            let mut wrong = |message| {
                mistakes.push(Mistake {
                    place: place.clone(),
                    message,
                });
            };
            match inline::parse(text, registry) {
                Err(whys) => whys.into_iter().for_each(wrong),
                Ok(camera) => match camera.name.clone() {
                    None => nameless.push((camera, place)),
                    Some(name) if added.iter().any(|other| other.name == name) => {
                        wrong(format!("there is another camera named `{name}`"));
                    }
                    Some(name) => added.push(Entry::new(name, camera, place)),
                },
            }
        }
        for entry in added {
            match self.cameras.iter_mut().find(|old| old.name == entry.name) {
                Some(old) => *old = entry,
                None => self.cameras.push(entry),
            }
        }
        for (camera, place) in nameless {
            let name = (1..)
                .map(|number| match number {
                    1 => "camera".to_owned(),
                    _ => format!("camera{number}"),
                })
                .find(|name| self.cameras.iter().all(|other| other.name != *name));
            self.cameras
                .extend(name.map(|name| Entry::new(name, camera, place)));
        }
    }

    /// Resolves the cameras, unless there is a mistake somewhere.
    pub(super) fn finish(
        self,
        registry: &Registry,
        mut mistakes: Vec<Mistake>,
    ) -> Result<Config, Mistakes> {
        let mut config = self.config;
        match self.tls.finish() {
            Ok(tls) => config.tls = tls,
            // What is missing may only have been written wrong.
            Err(_) if !mistakes.is_empty() => {}
            Err(message) => mistakes.push(Mistake {
                place: Place::Given("[tls]".to_owned()),
                message,
            }),
        }
        for entry in self.cameras {
            let settings = entry.settings.or(&self.defaults);
            let request = Request {
                name: entry.name,
                source: entry.source,
                size: settings.size,
                fps: settings.fps,
                quality: settings.quality,
                options: entry.options,
            };
            if let Err(why) = feasible(&request, registry) {
                mistakes.push(Mistake {
                    place: entry.place,
                    message: format!("camera `{}`: {why}", request.name),
                });
            }
            config.cameras.push(Camera {
                request,
                policy: settings.policy(),
                record: settings.record(config.storage.keep),
                networks: settings.networks.unwrap_or_default(),
            });
        }
        if mistakes.is_empty() {
            Ok(config)
        } else {
            Err(Mistakes::new(mistakes))
        }
    }
}

impl Entry {
    fn new(name: String, camera: Inline, place: Place) -> Self {
        Self {
            name,
            source: camera.source,
            settings: camera.settings,
            options: camera.options,
            place,
        }
    }
}

fn set<T>(keys: &'static [Key<T>], name: &str, table: &mut T, value: Value<'_>) -> Parsed<()> {
    match keys::find(keys, name) {
        Some(key) => (key.set)(table, value),
        None => Err(format!("unknown key `{name}`")),
    }
}

/// Whether a driver would take the request. What only this machine or this build lacks is no mistake of the configuration:
/// it stops the one camera, not the server.
fn feasible(request: &Request, registry: &Registry) -> Parsed<()> {
    let scheme = request.source.scheme();
    if registry.scheme(scheme).is_none() {
        return Err(unknown_scheme(scheme, registry));
    }
    match registry.make(request) {
        Err(error) if error.kind() == ErrorKind::Invalid => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn unknown_scheme(scheme: &str, registry: &Registry) -> String {
    let known: Vec<&str> = registry.schemes().map(|scheme| scheme.name).collect();
    let all = suggest("", known.clone());
    if scheme.is_empty() {
        return format!("it has no source; {all}");
    }
    if scheme.contains(['/', '.', '@']) {
        // Perhaps an address with a password in it: it is not repeated.
        return format!(
            "its source must start with what it is, as in http://192.168.1.20/video or file:/srv/film.mp4; {all}"
        );
    }
    if let Some((scheme, _)) = scheme.split_once('#') {
        return format!(
            "`{scheme}#…` is for the command line: in a file, write settings such as `fps` on lines of their own beside `source`"
        );
    }
    match suggest(scheme, known) {
        hint if hint == all => format!("no driver is called `{scheme}`; {all}"),
        hint => format!("no driver is called `{scheme}`; {hint} ({all})"),
    }
}

/// The environment variable that says the same as a flag.
fn variable(flag: &str) -> String {
    let name = flag.trim_start_matches('-').replace('-', "_");
    format!("FRAMECAST_{}", name.to_uppercase())
}
