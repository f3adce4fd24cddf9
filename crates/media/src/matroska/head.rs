//! What stands before the first picture: what the file is, when it began, what is in it.

use super::{
    TICK,
    ebml::{self, Element, elements, id, put, put_uint},
};

/// What a file says of itself before its first picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Sixteen random bytes, by which two files are never taken for each other.
    pub uuid: [u8; 16],
    /// The wall clock at the file's time zero, in nanoseconds since 1970. From the year 1709 to 2262.
    pub start: i64,
    /// What a player shows as the name of it.
    pub title: String,
    /// The program that wrote it.
    pub app: String,
    /// What is in it.
    pub tracks: Vec<Track>,
    /// Names and values of whatever else is to be kept with it.
    pub tags: Vec<(String, String)>,
}

/// One series of pictures or sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// By which blocks name it, from 1.
    pub number: u8,
    /// How its frames are encoded.
    pub codec: Codec,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// How frames are encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Each frame is a JPEG.
    Mjpeg,
    /// Something else, by its Matroska name such as `V_MPEG4/ISO/AVC`.
    Other(String),
}

impl Codec {
    fn name(&self) -> &str {
        match self {
            Self::Mjpeg => "V_MJPEG",
            Self::Other(name) => name,
        }
    }
}

/// Nanoseconds from 1970 to 2001, where Matroska's dates begin.
const MILLENNIUM: i64 = 978_307_200 * 1_000_000_000;

/// Bytes of the entry for the cues in the table of contents, and of the duration: their places are kept free.
const CUES_SLOT: usize = 21;
const DURATION_SLOT: usize = 11;

/// Where in a file the things stand that are only known at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    /// Where the segment's body begins: positions are counted from there. Its size is the eight bytes before it.
    pub(super) body: u64,
    /// Where the entry for the cues goes.
    pub(super) cues: Option<u64>,
    /// Where the duration goes.
    pub(super) duration: Option<u64>,
}

/// A gap of `len` bytes in all, from 2 to 128.
fn gap(into: &mut Vec<u8>, len: usize) {
    put(into, id::VOID, &vec![0; len - 2]);
}

/// The entry of the table of contents for the element at `position`.
pub(super) fn seek(what: u32, position: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(CUES_SLOT);
    put(&mut body, id::SEEK_ID, &what.to_be_bytes());
    put(&mut body, id::SEEK_POSITION, &position.to_be_bytes());
    let mut entry = Vec::with_capacity(CUES_SLOT);
    put(&mut entry, id::SEEK, &body);
    entry
}

/// The element that says how long the file is.
pub(super) fn duration(ticks: u64) -> Vec<u8> {
    let mut element = Vec::with_capacity(DURATION_SLOT);
    put(&mut element, id::DURATION, &(ticks as f64).to_be_bytes());
    element
}

impl Head {
    /// The bytes before the first cluster, and where the free places in them are.
    pub(super) fn encode(&self) -> (Vec<u8>, Slots) {
        let mut ebml = Vec::new();
        put_uint(&mut ebml, id::EBML_VERSION, 1);
        put_uint(&mut ebml, id::EBML_READ_VERSION, 1);
        put_uint(&mut ebml, id::EBML_MAX_ID_LENGTH, 4);
        put_uint(&mut ebml, id::EBML_MAX_SIZE_LENGTH, 8);
        put(&mut ebml, id::DOC_TYPE, b"matroska");
        put_uint(&mut ebml, id::DOC_TYPE_VERSION, 4);
        put_uint(&mut ebml, id::DOC_TYPE_READ_VERSION, 2);
        let mut out = Vec::new();
        put(&mut out, id::EBML, &ebml);
        ebml::put_id(&mut out, id::SEGMENT);
        out.extend_from_slice(&ebml::UNKNOWN);

        let (info, duration_in_info) = self.info();
        let (tracks, tags) = (self.tracks(), self.tags());
        // Every entry of the table of contents is as long as the one that is kept free.
        let contents = 4 + 1 + 4 * CUES_SLOT as u64;
        let (at_info, at_tracks) = (contents, contents + info.len() as u64);
        let at_tags = at_tracks + tracks.len() as u64;
        let mut entries = [
            seek(id::INFO, at_info),
            seek(id::TRACKS, at_tracks),
            seek(id::TAGS, at_tags),
        ]
        .concat();
        gap(&mut entries, CUES_SLOT);
        let body = out.len() as u64;
        put(&mut out, id::SEEK_HEAD, &entries);
        let slots = Slots {
            body,
            cues: Some(body + contents - CUES_SLOT as u64),
            duration: Some(body + at_info + duration_in_info as u64),
        };
        out.extend_from_slice(&info);
        out.extend_from_slice(&tracks);
        out.extend_from_slice(&tags);
        (out, slots)
    }

    fn info(&self) -> (Vec<u8>, usize) {
        let mut body = Vec::new();
        put_uint(&mut body, id::TIMESTAMP_SCALE, TICK.as_nanos() as u64);
        put(&mut body, id::MUXING_APP, self.app.as_bytes());
        put(&mut body, id::WRITING_APP, self.app.as_bytes());
        let date = self.start.saturating_sub(MILLENNIUM);
        put(&mut body, id::DATE_UTC, &date.to_be_bytes());
        put(&mut body, id::SEGMENT_UUID, &self.uuid);
        put(&mut body, id::TITLE, self.title.as_bytes());
        gap(&mut body, DURATION_SLOT);
        let mut info = Vec::new();
        put(&mut info, id::INFO, &body);
        let at = info.len() - DURATION_SLOT;
        (info, at)
    }

    fn tracks(&self) -> Vec<u8> {
        let mut entries = Vec::new();
        for track in &self.tracks {
            let mut entry = Vec::new();
            put_uint(&mut entry, id::TRACK_NUMBER, track.number.into());
            put_uint(&mut entry, id::TRACK_UID, track.number.into());
            put_uint(&mut entry, id::TRACK_TYPE, 1);
            put_uint(&mut entry, id::FLAG_LACING, 0);
            put(&mut entry, id::CODEC_ID, track.codec.name().as_bytes());
            let mut video = Vec::new();
            put_uint(&mut video, id::PIXEL_WIDTH, track.width.into());
            put_uint(&mut video, id::PIXEL_HEIGHT, track.height.into());
            put(&mut entry, id::VIDEO, &video);
            put(&mut entries, id::TRACK_ENTRY, &entry);
        }
        let mut tracks = Vec::new();
        put(&mut tracks, id::TRACKS, &entries);
        tracks
    }

    fn tags(&self) -> Vec<u8> {
        let mut tag = Vec::new();
        put(&mut tag, id::TARGETS, &[]);
        for (name, value) in &self.tags {
            let mut simple = Vec::new();
            put(&mut simple, id::TAG_NAME, name.as_bytes());
            put(&mut simple, id::TAG_STRING, value.as_bytes());
            put(&mut tag, id::SIMPLE_TAG, &simple);
        }
        let mut body = Vec::new();
        put(&mut body, id::TAG, &tag);
        let mut tags = Vec::new();
        put(&mut tags, id::TAGS, &body);
        tags
    }

    /// The value of a tag.
    pub fn tag(&self, name: &str) -> Option<&str> {
        let found = self.tags.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Takes in the body of an `Info` element that stands at `at`; the nanoseconds of a tick in it, if it says so.
    pub(super) fn read_info(&mut self, body: &[u8], at: u64, slots: &mut Slots) -> Option<u64> {
        let mut scale = None;
        for element in elements(body) {
            match element.id {
                id::TIMESTAMP_SCALE => scale = Some(ebml::number(element.body)),
                id::DATE_UTC => {
                    let date = ebml::number(element.body).cast_signed();
                    self.start = date.saturating_add(MILLENNIUM);
                }
                id::SEGMENT_UUID => {
                    if let Ok(uuid) = element.body.try_into() {
                        self.uuid = uuid;
                    }
                }
                id::TITLE => self.title = element.text(),
                id::WRITING_APP => self.app = element.text(),
                id::VOID | id::DURATION if element.len == DURATION_SLOT => {
                    slots.duration = Some(at + element.at as u64);
                }
                _ => {}
            }
        }
        scale
    }

    /// Takes in the body of a table of contents that stands at `at`; the position of the cues, if it names it.
    pub(super) fn read_contents(body: &[u8], at: u64, slots: &mut Slots) -> Option<u64> {
        let mut cues = None;
        for element in elements(body) {
            let here = Some(at + element.at as u64);
            match element.id {
                id::VOID if element.len == CUES_SLOT => slots.cues = here,
                id::SEEK => {
                    let inside = |wanted| elements(element.body).find(|it| it.id == wanted);
                    let named = inside(id::SEEK_ID).map(|it| ebml::number(it.body));
                    if named == Some(id::CUES.into()) {
                        cues = inside(id::SEEK_POSITION).map(|it| ebml::number(it.body));
                        slots.cues = here.filter(|_| element.len == CUES_SLOT);
                    }
                }
                _ => {}
            }
        }
        cues
    }

    /// Takes in the body of a `Tracks` element.
    pub(super) fn read_tracks(&mut self, body: &[u8]) {
        for entry in elements(body).filter(|entry| entry.id == id::TRACK_ENTRY) {
            self.tracks.extend(Track::read(entry));
        }
    }

    /// Takes in the body of a `Tags` element.
    pub(super) fn read_tags(&mut self, body: &[u8]) {
        let tags = elements(body).filter(|tag| tag.id == id::TAG);
        for simple in tags.flat_map(|tag| elements(tag.body)) {
            let text = |wanted| {
                let found = elements(simple.body).find(|it| it.id == wanted);
                found.map(|it| it.text())
            };
            if let (id::SIMPLE_TAG, Some(name), Some(value)) =
                (simple.id, text(id::TAG_NAME), text(id::TAG_STRING))
            {
                self.tags.push((name, value));
            }
        }
    }
}

impl Track {
    fn read(entry: Element<'_>) -> Option<Self> {
        let mut number = None;
        let (mut codec, mut width, mut height) = (String::new(), 0, 0);
        for element in elements(entry.body) {
            match element.id {
                id::TRACK_NUMBER => number = u8::try_from(ebml::number(element.body)).ok(),
                id::CODEC_ID => codec = element.text(),
                id::VIDEO => {
                    for side in elements(element.body) {
                        let pixels = u32::try_from(ebml::number(side.body)).unwrap_or(u32::MAX);
                        match side.id {
                            id::PIXEL_WIDTH => width = pixels,
                            id::PIXEL_HEIGHT => height = pixels,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let codec = match codec.as_str() {
            "V_MJPEG" => Codec::Mjpeg,
            _ => Codec::Other(codec),
        };
        Some(Self {
            number: number?,
            codec,
            width,
            height,
        })
    }
}
