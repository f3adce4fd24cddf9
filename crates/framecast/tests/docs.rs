//! What the documentation shows works: every configuration is valid, every `framecast` command line is understood, and every
//! link between its pages leads somewhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use framecast::{
    cli::{Args, Command},
    config::Config,
    drivers::{Registry, push},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn registry() -> Registry {
    Registry::bundled(&push::Ports::default())
}

/// A page of the documentation.
struct Page {
    path: PathBuf,
    text: String,
}

/// A fenced block: where it begins, what it says it is, and its lines.
struct Block<'t> {
    place: String,
    kind: &'t str,
    lines: Vec<&'t str>,
}

fn pages() -> Vec<Page> {
    let root = root();
    let mut pages = Vec::new();
    for folder in [".", "bench", "docs", "examples"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                pages.push(Page { path, text });
            }
        }
    }
    assert!(pages.len() > 10);
    pages
}

impl Page {
    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks: Vec<Block<'_>> = Vec::new();
        let mut open = false;
        for (number, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if open => open = false,
                Some(kind) => {
                    open = true;
                    let place = format!("{}:{}", self.path.display(), number + 1);
                    let lines = Vec::new();
                    blocks.push(Block { place, kind, lines });
                }
                None if open => blocks.last_mut().unwrap().lines.push(line),
                None => {}
            }
        }
        assert!(!open, "{}: a block is not closed", self.path.display());
        blocks
    }

    /// The text outside of blocks.
    fn prose(&self) -> String {
        let mut open = false;
        let outside = self.text.lines().filter(|line| {
            let fence = line.starts_with("```");
            open ^= fence;
            !open && !fence
        });
        outside.collect::<Vec<_>>().join("\n")
    }

    /// What a link may name behind a `#`.
    fn anchors(&self) -> Vec<String> {
        let prose = self.prose();
        let titles = prose.lines().filter(|line| line.starts_with('#'));
        titles
            .map(|title| anchor(title.trim_start_matches('#').trim()))
            .collect()
    }
}

/// As GitHub makes it of a title.
fn anchor(title: &str) -> String {
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_configuration_is_valid() {
    let registry = registry();
    let mut checked = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.kind == "toml") {
            let text = block.lines.join("\n");
            if let Err(mistakes) = Config::parse(&text, Path::new(&block.place), &registry) {
                panic!("{mistakes}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 3, "only {checked} configurations were found");
}

#[test]
fn every_command_line_is_understood() {
    let registry = registry();
    let mut checked = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.kind == "sh") {
            let text = block.lines.join("\n").replace("\\\n", " ");
            for line in text.lines() {
                let (variables, words) = command(line);
                if words.first().is_none_or(|program| program != "framecast") {
                    continue;
                }
                let fault = |what: &dyn std::fmt::Display| -> ! {
                    panic!("{}: {line}\n{what}", block.place)
                };
                let args = Args::try_read(&words, &registry).unwrap_or_else(|error| fault(&error));
                checked += 1;
                let Command::Serve(serve) = args.into_command() else {
                    continue;
                };
                let mut given = serve.given_in(|name| {
                    let found = variables.iter().find(|(variable, _)| variable == name);
                    found.map(|(_, value)| value.clone()).unwrap_or_default()
                });
                // The reader's own file, which is not here.
                given.file = None;
                if let Err(mistakes) = Config::load(&given, &registry) {
                    fault(&mistakes);
                }
            }
        }
    }
    assert!(checked >= 20, "only {checked} command lines were found");
}

/// Variables and words of a simple command, up to its end, a pipe, a redirection or a comment.
fn command(line: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let is_variable = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
    };
    let count = words.iter().take_while(|word| is_variable(word)).count();
    let rest = words.split_off(count);
    let variables = words.iter().filter_map(|word| word.split_once('='));
    (
        variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        rest,
    )
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let pages = pages();
    let mut checked = 0;
    for page in &pages {
        let prose = page.prose();
        for link in prose.split("](").skip(1) {
            let Some((target, _)) = link.split_once(')') else {
                continue;
            };
            if target.contains("://") {
                continue;
            }
            let (path, section) = target.split_once('#').unwrap_or((target, ""));
            let shown = page.path.display();
            let found = match path {
                "" => page.path.clone(),
                path => page.path.parent().unwrap().join(path),
            };
            let Ok(found) = found.canonicalize() else {
                panic!("{shown}: {target} is not there");
            };
            checked += 1;
            if section.is_empty() {
                continue;
            }
            let other = pages
                .iter()
                .find(|other| other.path.canonicalize().unwrap() == found);
            let anchors = other.map(Page::anchors).unwrap_or_default();
            assert!(
                anchors.contains(&section.to_owned()),
                "{shown}: {target} is not among {anchors:?}"
            );
        }
    }
    assert!(checked >= 30, "only {checked} links were found");
}

#[test]
fn every_source_and_every_key_is_described() {
    let page = |name: &str| fs::read_to_string(root().join("docs").join(name)).unwrap();
    let (sources, configuration) = (page("sources.md"), page("configuration.md"));
    for scheme in registry().schemes() {
        assert!(
            sources.contains(&format!("`{}", scheme.name)),
            "{}",
            scheme.name
        );
        for (option, _) in scheme.options {
            assert!(sources.contains(option), "{option}");
        }
    }
    let sample = fs::read_to_string(root().join("packaging/framecast.toml")).unwrap();
    let lines = sample.lines().map(|line| line.trim_start_matches('#'));
    for (key, _) in lines.filter_map(|line| line.split_once(" = ")) {
        if !key.contains([' ', '`']) {
            assert!(configuration.contains(&format!("`{key}`")), "{key}");
        }
    }
}
