//! `file:PATH`: a video file, played by the `ffmpeg` program at the file's own speed.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use framecast_camera::{Camera, Error, ErrorKind, Frames, Result, Size, Stop};

use super::{
    Request, Scheme,
    process::{self, Exit, Program},
    redact::shown,
};

const DEFAULT_QUALITY: u8 = 80;

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "file",
        "a video file, over and over (needs ffmpeg): file:PATH",
        |request| {
            Ok(File {
                path: request.operand("PATH")?.into(),
                once: request.switch("once")?,
                request: request.clone(),
            })
        },
    )
    .encodes()
    .options(&[("once", "true: end after the first time")])
}

#[derive(Clone)]
struct File {
    path: PathBuf,
    once: bool,
    request: Request,
}

impl Camera for File {
    fn frames(&self) -> Frames {
        let file = self.clone();
        Frames::blocking(move |stop| {
            present(&file.path)?;
            let Some(codec) = codec(&file.path, &file.request.name, &stop)? else {
                return Ok(None.into_iter().flatten());
            };
            let program = Program::start(&mut file.command(&codec), &file.request.name)?;
            let frames = process::Frames::new(program, stop, move |exit| file.ended(exit));
            Ok(Some(frames).into_iter().flatten())
        })
    }
}

impl File {
    fn command(&self, codec: &str) -> Command {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-v", "error", "-re"]);
        if !self.once {
            command.args(["-stream_loop", "-1"]);
        }
        command
            .arg("-i")
            .arg(operand(&self.path))
            .args(["-map", "0:V:0"]);
        // Pictures that are JPEGs already stay as they are; only another size makes encoding them again worth it.
        if codec == "mjpeg" && self.request.size.is_none() {
            command.args(["-c:v", "copy"]);
        } else {
            command
                .args(["-vf", &filters(self.request.size, self.request.fps)])
                .args(["-c:v", "mjpeg", "-q:v"])
                .arg(quantiser(self.request.quality.unwrap_or(DEFAULT_QUALITY)).to_string());
        }
        command.args(["-f", "mpjpeg", "-flush_packets", "1", "pipe:1"]);
        command
    }

    /// What the end of ffmpeg means; `None` if it played the file once and was to do no more.
    fn ended(&self, exit: &Exit) -> Option<Error> {
        let shown = shown(&self.path);
        if exit.code == Some(0) && self.once && exit.frames > 0 {
            return None;
        }
        let (kind, what) = if exit.frames == 0 {
            (ErrorKind::Invalid, "ffmpeg makes no picture of")
        } else {
            (ErrorKind::Lost, "ffmpeg stopped playing")
        };
        Some(Error::new(kind, format!("{what} {shown}, {exit}")))
    }
}

/// Whether there is a file at all, which ffmpeg tells less clearly.
fn present(path: &Path) -> Result<()> {
    let shown = shown(path);
    // Looked at before it is opened: opening a pipe waits for its writer.
    let file = fs::metadata(path).and_then(|meta| match meta.is_file() {
        true => fs::File::open(path).map(|_| true),
        false => Ok(false),
    });
    match file {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(
            ErrorKind::Invalid,
            format!("{shown} is no file: for the pictures of a folder write `images:{shown}`"),
        )),
        Err(error) => {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied => ErrorKind::Denied,
                _ => ErrorKind::Unavailable,
            };
            Err(Error::new(kind, format!("{shown} can't be read")).with_source(error))
        }
    }
}

/// The codec of the file's first video that is not a cover picture, by ffmpeg's name for it; `None` once a stop is
/// requested.
fn codec(path: &Path, camera: &str, stop: &Stop) -> Result<Option<String>> {
    let mut command = Command::new("ffprobe");
    command
        .args(["-v", "error", "-select_streams", "V:0"])
        .args(["-show_entries", "stream=codec_name", "-of", "csv=p=0"])
        .arg("-i")
        .arg(operand(path));
    let Some((told, exit)) = Program::start(&mut command, camera)?.output(stop) else {
        return Ok(None);
    };
    let told = String::from_utf8_lossy(&told);
    let codec = told.split([',', '\n']).next().unwrap_or_default().trim();
    if !codec.is_empty() {
        return Ok(Some(codec.to_owned()));
    }
    let why = match &*exit.last_words {
        "" => "there is no video in it",
        words => words,
    };
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{} can't be played: {why}", shown(path)),
    ))
}

/// The path as ffmpeg takes it for nothing but a path: neither an option nor an address.
fn operand(path: &Path) -> OsString {
    let mut operand = OsString::from("file:");
    operand.push(path);
    operand
}

/// Never larger nor more often than the file has it: the hub would only throw that away.
fn filters(size: Option<Size>, fps: Option<f64>) -> String {
    let mut filters = Vec::new();
    if let Some(fps) = fps {
        filters.push(format!(
            "fps=fps=if(gt(source_fps\\,0)\\,min(source_fps\\,{fps})\\,{fps})"
        ));
    }
    if let Some(Size { width, height }) = size {
        filters.push(format!(
            "scale=w=min(iw\\,{width}):h=min(ih\\,{height}):force_original_aspect_ratio=decrease"
        ));
    }
    // 4:2:0 in full range, which is what every JPEG decoder expects.
    filters.push("format=yuvj420p".to_owned());
    filters.join(",")
}

/// ffmpeg's quantiser for a JPEG quality. 8 gives its MPEG matrix unchanged, as 50 does the tables of JPEG's annex K, and
/// both scale linearly; above that quality is reckoned as libjpeg does.
fn quantiser(quality: u8) -> u8 {
    let quality = f64::from(quality.clamp(1, 100));
    let scale = if quality < 50.0 {
        50.0 / quality
    } else {
        2.0 - quality / 50.0
    };
    (8.0 * scale).round().clamp(2.0, 31.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_quality_never_has_a_coarser_quantiser() {
        let all: Vec<u8> = (1..=100).map(quantiser).collect();
        assert!(all.is_sorted_by(|a, b| a >= b));
        assert_eq!((quantiser(1), quantiser(80), quantiser(100)), (31, 3, 2));
    }

    #[test]
    fn a_path_is_never_an_option_or_an_address() {
        for path in ["-i", "http://cam/", "concat:a|b", "file:x"] {
            assert_eq!(operand(Path::new(path)), *format!("file:{path}"));
        }
    }
}
