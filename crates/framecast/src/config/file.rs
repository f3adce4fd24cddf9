//! The file: its tables and keys, each with the place where it stands.

use std::{collections::BTreeMap, fs, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Mistake, Place, User, check_name, check_user_name,
    draft::{Draft, Entry},
    inline::source,
    keys::{self, Key, Settings},
    mistakes::suggest,
    tls, users,
    value::Value,
};
use crate::drivers::Registry;

type Name<'a> = Spanned<std::borrow::Cow<'a, str>>;

/// The tables that stand beside the keys of [`keys::TOP`].
const TABLES: [&str; 7] = [
    "tls",
    "defaults",
    "recordings",
    "limits",
    "log",
    "cameras",
    "users",
];

/// Reads the file's text.
pub(super) fn read(path: &Path) -> Result<String, Mistake> {
    let bytes = fs::read(path).map_err(|error| Mistake {
        place: Place::whole(path),
        message: format!("can't be read: {error}"),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        Mistake {
            place: Place::at(path, &text, valid),
            message: "this is no UTF-8; save the file in that encoding".to_owned(),
        }
    })
}

/// What the text says, as far as it can be understood, and its mistakes.
pub(super) fn parse(text: &str, path: &Path, registry: &Registry) -> (Draft, Vec<Mistake>) {
    let mut draft = Draft::default();
    let mut walk = Walk {
        text,
        path,
        registry,
        mistakes: Vec::new(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        walk.top(table.get_ref(), &mut draft);
    }
    // What remains of a text with broken syntax is no longer what was meant, so nothing else is said about it.
    for error in errors {
        let span = error.span().unwrap_or_default();
        let message = match (error.message(), text.get(span.clone())) {
            ("duplicate key", Some(key)) => format!("`{key}` is there twice"),
            (message, _) => message.replace('\n', "; "),
        };
        walk.wrong(span.start, message);
    }
    (draft, walk.mistakes)
}

struct Walk<'a> {
    text: &'a str,
    path: &'a Path,
    registry: &'a Registry,
    mistakes: Vec<Mistake>,
}

impl Walk<'_> {
    fn place(&self, offset: usize) -> Place {
        Place::at(self.path, self.text, offset)
    }

    fn wrong(&mut self, offset: usize, message: String) {
        let place = self.place(offset);
        self.mistakes.push(Mistake { place, message });
    }

    fn top(&mut self, table: &DeTable<'_>, draft: &mut Draft) {
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            if !TABLES.contains(&name) {
                let known = keys::names(keys::TOP).chain(TABLES);
                self.set("", key, value, keys::TOP, known, draft);
                continue;
            }
            let DeValue::Table(inner) = value.get_ref() else {
                let message = format!("`{name}` must be a table: [{name}] on a line of its own");
                self.wrong(value.span().start, message);
                continue;
            };
            match name {
                "tls" => self.table(name, inner, tls::TLS, &mut draft.tls),
                "defaults" => self.table(name, inner, keys::CAMERA, &mut draft.defaults),
                "recordings" => {
                    self.table(name, inner, keys::RECORDINGS, &mut draft.config.storage)
                }
                "limits" => self.table(name, inner, keys::LIMITS, &mut draft.config.limits),
                "log" => self.table(name, inner, keys::LOG, &mut draft.config.log),
                "users" => {
                    for (key, value) in in_order(inner) {
                        draft.config.users.extend(self.user(key, value));
                    }
                }
                _ => {
                    for (key, value) in in_order(inner) {
                        draft.cameras.extend(self.camera(key, value));
                    }
                }
            }
        }
    }

    fn table<T>(
        &mut self,
        section: &str,
        table: &DeTable<'_>,
        keys: &'static [Key<T>],
        target: &mut T,
    ) {
        for (key, value) in in_order(table) {
            let section = format!(" in [{section}]");
            self.set(&section, key, value, keys, keys::names(keys), target);
        }
    }

    /// Sets one key of a table, or says what is wrong with it.
    fn set<T>(
        &mut self,
        section: &str,
        key: &Name<'_>,
        value: &Spanned<DeValue<'_>>,
        keys: &'static [Key<T>],
        known: impl IntoIterator<Item = &'static str>,
        target: &mut T,
    ) {
        let name = key.get_ref().as_ref();
        match keys::find(keys, name) {
            Some(known) => {
                if let Err(why) = (known.set)(target, Value::Toml(value.get_ref())) {
                    self.wrong(value.span().start, format!("`{name}`{section}: {why}"));
                }
            }
            None => {
                let hint = suggest(name, known);
                let name = name.escape_debug();
                self.wrong(
                    key.span().start,
                    format!("unknown key `{name}`{section}; {hint}"),
                );
            }
        }
    }

    fn user(&mut self, key: &Name<'_>, value: &Spanned<DeValue<'_>>) -> Option<User> {
        let name = key.get_ref().as_ref();
        let section = format!("users.{}", name.escape_debug());
        if let Err(bad) = check_user_name(name) {
            self.wrong(key.span().start, bad);
        }
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("must be a table: [{section}] on a line of its own");
            self.wrong(value.span().start, message);
            return None;
        };
        let (mut draft, before) = (users::Draft::default(), self.mistakes.len());
        self.table(&section, table, users::USER, &mut draft);
        let user = draft.finish(name);
        // What is missing may only have been written wrong.
        if let Err(why) = &user
            && self.mistakes.len() == before
        {
            self.wrong(key.span().start, format!("[{section}]: {why}"));
        }
        user.ok()
    }

    fn camera(&mut self, key: &Name<'_>, value: &Spanned<DeValue<'_>>) -> Option<Entry> {
        let name = key.get_ref().as_ref();
        let bad_name = check_name(name).err();
        if let Some(bad) = &bad_name {
            self.wrong(key.span().start, bad.to_string());
        }
        let section = format!(" in [cameras.{}]", name.escape_debug());
        let mut rest = None;
        let stated = match value.get_ref() {
            // The short form: the name, and the source alone.
            DeValue::String(_) => value,
            DeValue::Table(table) => {
                rest = Some(table);
                match table.get("source") {
                    Some(stated) => stated,
                    None => {
                        let hint = "is missing; add a line such as source = \"test\"";
                        self.wrong(key.span().start, format!("`source`{section} {hint}"));
                        return None;
                    }
                }
            }
            _ => {
                let name = name.escape_debug();
                let message =
                    format!("`{name}` in [cameras] must be a source such as \"test\", or a table");
                self.wrong(value.span().start, message);
                return None;
            }
        };
        let text = Value::Toml(stated.get_ref()).text("http://192.168.1.20/video");
        let mut entry = Entry {
            name: name.to_owned(),
            source: source(text.as_deref().unwrap_or_default()),
            settings: Settings::default(),
            options: BTreeMap::new(),
            place: self.place(stated.span().start),
        };
        if let Some(table) = rest {
            self.fill(table, &section, &mut entry);
        }
        match text {
            Ok(_) => bad_name.is_none().then_some(entry),
            Err(why) => {
                self.wrong(stated.span().start, format!("`source`{section}: {why}"));
                None
            }
        }
    }

    /// Sets what stands beside the source: keys of every camera, and options of its scheme.
    fn fill(&mut self, table: &DeTable<'_>, section: &str, entry: &mut Entry) {
        let scheme = self.registry.scheme(entry.source.scheme());
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            let common = keys::find(keys::CAMERA, name).is_some();
            match scheme {
                _ if name == "source" => {}
                // Nobody knows the options of a driver that does not exist; that it doesn't is said elsewhere.
                None if !common => {}
                Some(scheme)
                    if !common && scheme.options.iter().any(|(option, _)| *option == name) =>
                {
                    match Value::Toml(value.get_ref()).option() {
                        Ok(text) => {
                            entry.options.insert(name.to_owned(), text);
                        }
                        Err(why) => {
                            self.wrong(value.span().start, format!("`{name}`{section}: {why}"))
                        }
                    }
                }
                _ => {
                    let options = scheme.map_or(&[][..], |scheme| scheme.options);
                    let known = keys::names(keys::CAMERA)
                        .chain(options.iter().map(|(option, _)| *option))
                        .chain(["source"]);
                    self.set(
                        section,
                        key,
                        value,
                        keys::CAMERA,
                        known,
                        &mut entry.settings,
                    );
                }
            }
        }
    }
}

/// The entries of a table as they follow each other in the file.
fn in_order<'t, 'a>(table: &'t DeTable<'a>) -> Vec<(&'t Name<'a>, &'t Spanned<DeValue<'a>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
