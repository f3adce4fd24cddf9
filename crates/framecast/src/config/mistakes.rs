use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
};

/// Something in the configuration that can't be meant, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub place: Place,
    /// One line, without a full stop and without secrets.
    pub message: String,
}

/// Where a mistake stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// As it was given.
        path: PathBuf,
        /// Line and column in characters, both counted from one; `None` for the file as a whole.
        at: Option<(usize, usize)>,
    },
    /// In a flag or an environment variable: the name of it.
    Given(String),
}

/// All mistakes of a configuration, one a line; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// In the order of the file.
    pub(super) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| match mistake.place {
            Place::File { at, .. } => (0, at),
            Place::Given(_) => (1, None),
        });
        Self(mistakes)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl Place {
    /// The place of the byte `offset` in a file's text.
    pub(super) fn at(path: &Path, text: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(text.len()))
            .rev()
            .find(|&o| text.is_char_boundary(o))
            .unwrap_or(0);
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::File {
            path: path.to_owned(),
            at: Some((
                before.bytes().filter(|&byte| byte == b'\n').count() + 1,
                before[line_start..].chars().count() + 1,
            )),
        }
    }

    /// The file as a whole.
    pub(super) fn whole(path: &Path) -> Self {
        Self::File {
            path: path.to_owned(),
            at: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, at } => {
                path.display().fmt(f)?;
                match at {
                    Some((line, column)) => write!(f, ":{line}:{column}"),
                    None => Ok(()),
                }
            }
            Self::Given(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Mistakes {}

/// `did you mean …` for a word that resembles one of those known, else the list of them.
pub(super) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        // A third of the letters wrong is a slip; more is another word.
        Some((distance, candidate)) if distance * 3 <= candidate.chars().count().max(3) => {
            format!("did you mean `{candidate}`?")
        }
        _ => format!("there are {}", known.join(", ")),
    }
}
