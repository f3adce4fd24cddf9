use bytes::{Bytes, BytesMut};
use memchr::memchr;

use super::delimiter::{Delimiter, Found, Line};
use super::{Error, Headers, Limits};

/// A part of a multipart stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its headers.
    pub headers: Headers,
    /// What it carries, without the line end that belongs to the boundary.
    pub body: Bytes,
}

/// Takes a multipart stream apart, in whatever pieces it comes.
///
/// ```
/// use framecast_media::multipart::{Limits, Parser};
///
/// let mut parser = Parser::new(Some("x"), Limits { part: 1 << 20, header: 4096 });
/// parser.push(b"--x\r\nContent-Length: 3\r\n\r\nabc");
/// let part = parser.next()?.unwrap();
/// assert_eq!(&part.body[..], b"abc");
/// # Ok::<(), framecast_media::multipart::Error>(())
/// ```
///
/// A part whose `Content-Length` has come is returned at once, without waiting for the boundary behind it. Beyond RFC
/// 2046 it takes what cameras are known to send: boundaries declared with their dashes or not at all, a missing first
/// boundary, line feeds without carriage returns, blank lines before a boundary, lengths padded with spaces, and
/// lengths that lie. A boundary line ends a part even if its length says otherwise; if none follows a part of the
/// length it stated, the parser skips to the next one and doesn't believe lengths any more.
///
/// Takes time linear in the bytes pushed. Holds at most a header block, one part and what was pushed since the last
/// call of [`next`](Self::next) that returned `None`.
#[derive(Debug)]
pub struct Parser {
    delimiter: Option<Delimiter>,
    limits: Limits,
    buffer: BytesMut,
    /// What lies before this in `buffer` was searched already.
    searched: usize,
    /// Bytes skipped since the last part.
    skipped: usize,
    /// A length that lied was met.
    distrust: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Before the first part.
    Preamble,
    /// Behind a body, before the boundary line. It is due at once unless a length lied.
    Between {
        due: bool,
    },
    Headers {
        headers: Headers,
        size: usize,
    },
    /// In a body that began behind a header line with (or without) a carriage return.
    Body {
        headers: Headers,
        carriage_return: bool,
    },
    /// Behind the closing boundary.
    Closed,
    Failed(Error),
}

impl Parser {
    /// A parser for a stream whose content type declares `boundary`, or `None` to learn it from the first line.
    #[must_use]
    pub fn new(boundary: Option<&str>, limits: Limits) -> Self {
        Self {
            delimiter: boundary.and_then(Delimiter::declared),
            limits,
            buffer: BytesMut::new(),
            searched: 0,
            skipped: 0,
            distrust: false,
            state: State::Preamble,
        }
    }

    /// A parser for a stream with this `Content-Type`, with its boundary quoted, bare or missing (RFC 2046 §5.1.1).
    #[must_use]
    pub fn from_content_type(content_type: &str, limits: Limits) -> Self {
        let boundary = content_type.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("boundary")
                .then(|| value.trim())
        });
        Self::new(boundary.map(|it| it.trim_matches('"')), limits)
    }

    /// Takes in the bytes that came next. Call [`next`](Self::next) until it returns `None` after each.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Closed | State::Failed(_)) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next complete part, `None` if more bytes are needed or the stream was closed.
    ///
    /// # Errors
    ///
    /// An [`enum@Error`] if a limit is exceeded or there is no boundary to be found; the same one from then on.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator can't say that there is nothing yet"
    )]
    pub fn next(&mut self) -> Result<Option<Part>, Error> {
        loop {
            match self.step() {
                Ok(Step::Part(part)) => return Ok(Some(part)),
                Ok(Step::On) => {}
                Ok(Step::Wait) => return Ok(None),
                Err(error) => {
                    self.state = State::Failed(error);
                    self.buffer = BytesMut::new();
                    return Err(error);
                }
            }
        }
    }

    /// What the stream ended with: the last part, unless its length tells that it is incomplete.
    #[must_use]
    pub fn finish(mut self) -> Option<Part> {
        let State::Body {
            headers,
            carriage_return,
        } = &mut self.state
        else {
            return None;
        };
        let (headers, carriage_return) = (std::mem::take(headers), *carriage_return);
        if self.buffer.is_empty() || self.length(&headers).is_some() {
            return None;
        }
        // Now the last line is complete, and it may be a boundary.
        self.buffer.extend_from_slice(b"\r\n");
        let end = self.buffer.len();
        let boundary = match self.delimiter.as_ref()?.find(&self.buffer, self.searched) {
            Found::At(boundary) => boundary,
            Found::NotBefore(_) => end,
        };
        let part = self.part(headers, boundary, carriage_return || boundary == end);
        (!part.body.is_empty() && part.body.len() <= self.limits.part).then_some(part)
    }

    /// Whether the closing boundary has come. What is pushed after it is ignored.
    #[must_use]
    pub fn closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Bytes that are being held.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    fn step(&mut self) -> Result<Step, Error> {
        match &mut self.state {
            State::Preamble | State::Between { .. } | State::Headers { .. } => self.line(),
            State::Body {
                headers,
                carriage_return,
            } => {
                let (headers, carriage_return) = (std::mem::take(headers), *carriage_return);
                self.body(headers, carriage_return)
            }
            State::Closed => Ok(Step::Wait),
            State::Failed(error) => Err(*error),
        }
    }

    /// Everything outside bodies goes by lines.
    fn line(&mut self) -> Result<Step, Error> {
        let end = memchr(b'\n', &self.buffer[self.searched..]).map(|end| self.searched + end);
        let size = match &self.state {
            State::Headers { size, .. } => *size,
            _ => self.skipped,
        };
        // Between parts there may be the rest of a body whose length lied.
        let (limit, error) = match self.state {
            State::Between { .. } => (self.limits.part, Error::Part(self.limits.part)),
            _ => (self.limits.header, Error::Header(self.limits.header)),
        };
        if size + end.unwrap_or(self.buffer.len()) > limit {
            return Err(error);
        }
        let Some(end) = end else {
            self.searched = self.buffer.len();
            return Ok(Step::Wait);
        };
        self.searched = 0;
        let line = self.buffer.split_to(end + 1);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let (line, carriage_return) = line
            .strip_suffix(b"\r")
            .map_or((line, false), |line| (line, true));
        match self
            .delimiter
            .as_ref()
            .map_or(Line::Other, |it| it.sort(line))
        {
            Line::Delimiter => self.begin(),
            Line::Close => {
                self.state = State::Closed;
                self.buffer = BytesMut::new();
            }
            Line::Other => self.other_line(line, carriage_return),
        }
        Ok(Step::On)
    }

    fn other_line(&mut self, line: &[u8], carriage_return: bool) {
        match &mut self.state {
            State::Headers { headers, .. } if line.is_empty() => {
                let headers = std::mem::take(headers);
                self.state = State::Body {
                    headers,
                    carriage_return,
                };
            }
            State::Headers { headers, size } => {
                headers.read(line);
                *size += line.len() + 1;
            }
            State::Preamble if self.skipped == 0 && names_header(line) => {
                self.begin();
                self.other_line(line, carriage_return);
            }
            State::Between { due } if !line.trim_ascii().is_empty() && *due => {
                *due = false;
                self.distrust = self.delimiter.is_some();
                self.skip_line(line);
            }
            _ => self.skip_line(line),
        }
    }

    /// Skips a line outside any part, unless it is the boundary to be learned.
    fn skip_line(&mut self, line: &[u8]) {
        // What a stream opens with counts for more than what its content type declares.
        let opening = matches!(self.state, State::Preamble) && self.skipped == 0;
        let learned = Delimiter::learned(line).filter(|_| opening || self.delimiter.is_none());
        if learned.is_some() {
            self.delimiter = learned;
            self.begin();
        } else if !line.is_empty() || self.skipped > 0 {
            self.skipped += line.len() + 1;
        }
    }

    fn begin(&mut self) {
        self.skipped = 0;
        self.state = State::Headers {
            headers: Headers::default(),
            size: 0,
        };
    }

    fn body(&mut self, headers: Headers, carriage_return: bool) -> Result<Step, Error> {
        let length = self.length(&headers);
        let found = match &self.delimiter {
            Some(delimiter) => delimiter.find(&self.buffer, self.searched),
            None if length.is_some() => Found::NotBefore(0),
            None => return Err(Error::NoBoundary),
        };
        let too_large = Error::Part(self.limits.part);
        let part = match (found, length) {
            (Found::At(boundary), _) if length.is_none_or(|length| boundary < length) => {
                self.distrust |= length.is_some();
                self.part(headers, boundary, carriage_return)
            }
            (_, Some(length)) if length <= self.limits.part && length <= self.buffer.len() => {
                Part {
                    headers,
                    body: self.buffer.split_to(length).freeze(),
                }
            }
            (Found::At(searched) | Found::NotBefore(searched), _) => {
                // Up to here it is body but for one line end; without a boundary only the length tells.
                if searched > self.limits.part.saturating_add(2)
                    || self.delimiter.is_none()
                        && length.is_some_and(|length| length > self.limits.part)
                {
                    return Err(too_large);
                }
                self.searched = searched;
                self.state = State::Body {
                    headers,
                    carriage_return,
                };
                return Ok(Step::Wait);
            }
        };
        self.searched = 0;
        self.state = State::Between { due: true };
        if part.body.len() > self.limits.part {
            Err(too_large)
        } else {
            Ok(Step::Part(part))
        }
    }

    /// The stated length of a body, as long as lengths are believed.
    fn length(&self, headers: &Headers) -> Option<usize> {
        headers.content_length().filter(|_| !self.distrust)
    }

    /// The part whose boundary line begins at `boundary`; the line end before it isn't the body's.
    fn part(&mut self, headers: Headers, boundary: usize, carriage_return: bool) -> Part {
        let mut body = self.buffer.split_to(boundary).freeze();
        if body.ends_with(b"\n") {
            body.truncate(body.len() - 1);
            if carriage_return && body.ends_with(b"\r") {
                body.truncate(body.len() - 1);
            }
        }
        if headers
            .content_type()
            .is_some_and(|it| it.eq_ignore_ascii_case("image/jpeg"))
        {
            // Some servers send one line end too many; no JPEG ends in one.
            while body.ends_with(b"\n") || body.ends_with(b"\r") {
                body.truncate(body.len() - 1);
            }
        }
        Part { headers, body }
    }
}

enum Step {
    Part(Part),
    On,
    Wait,
}

/// Whether a line is a header that can open a part whose boundary is missing.
fn names_header(line: &[u8]) -> bool {
    let named = |prefix: &[u8]| {
        line.get(..prefix.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(prefix))
    };
    (named(b"content-") || named(b"x-")) && memchr(b':', line).is_some()
}
