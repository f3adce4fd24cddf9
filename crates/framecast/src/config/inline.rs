//! Cameras as they are written on one line: `NAME=SOURCE#key=value,key=value`.

use std::collections::BTreeMap;

use super::{
    check_name,
    keys::{self, Settings},
    mistakes::suggest,
    value::Value,
};
use crate::drivers::{Registry, Source};

/// A key and its value, as typed.
type Pair<'t> = (&'t str, &'t str);

/// A camera on one line, taken apart.
#[derive(Debug)]
pub(super) struct Inline {
    pub(super) name: Option<String>,
    pub(super) source: Source,
    pub(super) settings: Settings,
    pub(super) options: BTreeMap<String, String>,
}

/// Cameras of an environment variable: one a line, or separated by semicolons if it is all on one line.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let separator = if text.trim().contains('\n') {
        '\n'
    } else {
        ';'
    };
    text.split(separator)
        .map(str::trim)
        .filter(|camera| !camera.is_empty())
}

/// Takes a camera apart.
///
/// What stands before the first `=` is a name unless it looks like the beginning of a source: a name has no `:`, `/`, `?` or
/// `#` in it. What stands behind the last `#` is part of the source unless it is a list of settings.
pub(super) fn parse(text: &str, registry: &Registry) -> Result<Inline, Vec<String>> {
    let (name, rest) = match text.trim().split_once('=') {
        Some((name, rest)) if !name.contains([':', '/', '?', '#']) => (Some(name.trim()), rest),
        _ => (None, text),
    };
    let mut mistakes = Vec::new();
    if let Some(Err(bad)) = name.map(check_name) {
        mistakes.push(bad.to_string());
    }
    let (source, tail) = match settings_behind(rest, registry) {
        Ok(parts) => parts,
        Err(unknown) => return Err(vec![unknown]),
    };
    let mut camera = Inline {
        name: name.map(str::to_owned),
        source,
        settings: Settings::default(),
        options: BTreeMap::new(),
    };
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in tail {
        if seen.contains(&key) {
            mistakes.push(format!("`{key}` is there twice"));
        }
        seen.push(key);
        match keys::find(keys::CAMERA, key) {
            Some(known) => {
                if let Err(why) = (known.set)(&mut camera.settings, Value::Typed(value)) {
                    mistakes.push(format!("`{key}`: {why}"));
                }
            }
            None => {
                camera.options.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    if mistakes.is_empty() {
        Ok(camera)
    } else {
        Err(mistakes)
    }
}

/// The source, and the settings behind its last `#`.
///
/// They count only if all their keys are known, for an address or a command may have a `#` of its own. Where some are known
/// and some are not, it was surely meant as settings, and ignoring them in silence would help nobody.
fn settings_behind<'t>(
    text: &'t str,
    registry: &Registry,
) -> Result<(Source, Vec<Pair<'t>>), String> {
    let whole = || (source(text), Vec::new());
    let Some((before, behind)) = text.rsplit_once('#') else {
        return Ok(whole());
    };
    let pairs: Option<Vec<Pair<'t>>> = behind
        .split(',')
        .map(|pair| pair.split_once('='))
        .map(|pair| pair.map(|(key, value)| (key.trim(), value.trim())))
        .collect();
    let Some(pairs) = pairs else {
        return Ok(whole());
    };
    let source = source(before);
    let known = known_keys(&source, registry);
    let unknown = pairs.iter().find(|(key, _)| !known.contains(key));
    match unknown {
        None => Ok((source, pairs)),
        Some((key, _)) if pairs.iter().any(|(key, _)| known.contains(key)) => Err(format!(
            "unknown key `{key}` behind the `#`; {}",
            suggest(key, known)
        )),
        Some(_) => Ok(whole()),
    }
}

/// What may be said of a camera with that source.
fn known_keys(source: &Source, registry: &Registry) -> Vec<&'static str> {
    let options = registry
        .scheme(source.scheme())
        .map_or(&[][..], |scheme| scheme.options);
    keys::names(keys::CAMERA)
        .chain(options.iter().map(|(name, _)| *name))
        .collect()
}

/// A source as it was typed; any text is one.
pub(super) fn source(text: &str) -> Source {
    let Ok(source) = text.parse();
    source
}
