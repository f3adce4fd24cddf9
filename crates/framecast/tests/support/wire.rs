//! HTTP and Motion JPEG as they are on the wire, read by the letter.

use std::{
    io::{self, BufRead, BufReader, Read},
    net::TcpStream,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::PATIENCE;

/// The head of an answer, and its body where that has an end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub version: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The header of that name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Width and height of the JPEG that it is.
    #[track_caller]
    pub fn size(&self) -> (u32, u32) {
        size(&self.body)
    }
}

/// Width and height of a JPEG that decodes.
#[track_caller]
pub fn size(jpeg: &[u8]) -> (u32, u32) {
    let image = framecast_media::jpeg::decode(jpeg).expect("a sound JPEG");
    (image.width, image.height)
}

/// An answer whose body is still coming.
#[derive(Debug)]
pub struct Open {
    pub head: Answer,
    pub rest: BufReader<TcpStream>,
}

impl Open {
    /// Reads the head of an answer.
    pub fn of(socket: TcpStream) -> io::Result<Self> {
        let mut rest = BufReader::new(socket);
        let line = line(&mut rest)?;
        let mut words = line.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {line:?}")))?;
        let headers = headers(&mut rest)?
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let head = Answer {
            version,
            status,
            headers,
            body: Vec::new(),
        };
        Ok(Self { head, rest })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

/// A line without its end, which must be CRLF.
pub fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::Error::other(format!("no CRLF: {line:?}"))),
    }
}

/// Headers up to the blank line.
pub fn headers(from: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let Some((name, value)) = line.split_once(": ") else {
            return Err(io::Error::other(format!("no header: {line:?}")));
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
}

/// A program that reads a stream by the letter: boundary, headers, exactly as many bytes as they say.
#[derive(Debug)]
pub struct Viewer<R = TcpStream> {
    rest: BufReader<R>,
}

/// One part of a stream.
#[derive(Debug)]
pub struct Part {
    pub headers: Vec<(String, String)>,
    pub jpeg: Vec<u8>,
    /// Seconds since 1970 when it had come.
    pub came: f64,
}

impl Viewer {
    pub fn of(open: Open) -> Self {
        Self::reading(open.rest)
    }

    pub fn socket(&self) -> &TcpStream {
        self.rest.get_ref()
    }
}

impl<R: Read> Viewer<R> {
    /// Reads a stream from its first byte.
    pub fn reading(mut rest: BufReader<R>) -> Self {
        let first = line(&mut rest).unwrap();
        assert_eq!(first, "--framecast");
        Self { rest }
    }

    /// The next part, together with the delimiter that ends it.
    pub fn part(&mut self) -> io::Result<Part> {
        let headers = headers(&mut self.rest)?;
        let part = Part {
            headers,
            jpeg: Vec::new(),
            came: 0.0,
        };
        assert_eq!(part.header("Content-Type"), Some("image/jpeg"));
        let length = part.header("Content-Length").expect("a length");
        let mut jpeg = vec![0; length.parse().unwrap()];
        self.rest.read_exact(&mut jpeg)?;
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
        let came = now();
        let (blank, delimiter) = (line(&mut self.rest)?, line(&mut self.rest)?);
        assert_eq!((blank.as_str(), delimiter.as_str()), ("", "--framecast"));
        Ok(Part { jpeg, came, ..part })
    }

    pub fn next(&mut self) -> Part {
        self.part().unwrap()
    }

    /// The first part that is as it should be.
    #[track_caller]
    pub fn until(&mut self, mut wanted: impl FnMut(&Part) -> bool) -> Part {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let part = self.next();
            if wanted(&part) {
                return part;
            }
            assert!(
                Instant::now() < deadline,
                "it never came; last: {:?}",
                part.headers
            );
        }
    }
}

impl Part {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn seq(&self) -> u64 {
        self.header("X-Framecast-Sequence")
            .unwrap()
            .parse()
            .unwrap()
    }

    /// When it was taken, in seconds since 1970.
    pub fn taken(&self) -> f64 {
        self.header("X-Timestamp").unwrap().parse().unwrap()
    }

    pub fn age(&self) -> f64 {
        self.came - self.taken()
    }

    pub fn is_live(&self) -> bool {
        self.header("X-Framecast-Online") == Some("true")
    }
}

/// Seconds since 1970.
pub fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64()
}

/// A JPEG of one colour.
pub fn jpeg(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let image = framecast_media::jpeg::Image {
        width,
        height,
        rgb: colour.repeat((width * height) as usize),
    };
    framecast_media::jpeg::encode(&image.pixels(), 80).unwrap()
}

/// The colour in the middle of a JPEG.
pub fn colour(jpeg: &[u8]) -> [u8; 3] {
    let image = framecast_media::jpeg::decode(jpeg).unwrap();
    let middle = (image.height / 2 * image.width + image.width / 2) as usize * 3;
    image.rgb[middle..middle + 3].try_into().unwrap()
}
