/// The most headers of a part that are kept.
const MAX_HEADERS: usize = 64;

/// The headers of a part, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Takes in a header line without its line end. What isn't `name: value` is ignored.
    pub(super) fn read(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        if let Some((name, value)) = line.split_once(':')
            && self.0.len() < MAX_HEADERS
        {
            self.0
                .push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }

    /// The value of the first header called `name`, whatever the case of its letters.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The `Content-Length` in bytes, `None` if there is none or it isn't a number.
    #[must_use]
    pub fn content_length(&self) -> Option<usize> {
        self.get("content-length")?.parse().ok()
    }

    /// The media type without its parameters, as it was written.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.get("content-type")?.split(';').next().map(str::trim)
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
