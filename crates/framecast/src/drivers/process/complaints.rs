//! What a program says on its standard error.

use crate::drivers::redact::redact_known;

/// The lines that a program writes to its standard error: logged as they come, the last one kept for an error message.
pub(super) struct Complaints {
    camera: String,
    /// What was said to the program and is not to be shown, in whatever way it repeats that.
    secrets: Vec<String>,
    line: Vec<u8>,
    last: String,
}

impl Complaints {
    /// Bytes of a line that are kept.
    const LINE: usize = 512;

    pub(super) fn of(camera: &str, secrets: Vec<String>) -> Self {
        Self {
            camera: camera.to_owned(),
            secrets,
            line: Vec::new(),
            last: String::new(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // A progress display rewrites its line with carriage returns.
            if byte == b'\n' || byte == b'\r' {
                self.end_line();
            } else if self.line.len() < Self::LINE {
                self.line.push(byte);
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line).replace(char::is_control, "");
        let line = redact_known(line.trim(), &self.secrets);
        if !line.is_empty() {
            tracing::debug!(camera = self.camera, "{line}");
            self.last = line;
        }
    }

    /// The last line that was not empty.
    pub(super) fn last(&mut self) -> String {
        self.end_line();
        self.last.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_told_without_its_secrets_however_it_comes() {
        let mut complaints = Complaints::of("door", Vec::new());
        for piece in [
            "first\nrtsp://me:hid",
            "den@cam: refu",
            "sed\r\n",
            "\x1b\n ",
        ] {
            complaints.push(piece.as_bytes());
        }
        assert_eq!(complaints.last(), "rtsp://me:***@cam: refused");
    }

    #[test]
    fn what_the_program_was_told_as_a_secret_is_hidden_in_any_place() {
        let mut complaints = Complaints::of("door", vec!["S3CRET".to_owned()]);
        complaints.push(b"refused: [me] [S3CRET]\n");
        assert_eq!(complaints.last(), "refused: [me] [***]");
    }

    #[test]
    fn an_endless_line_takes_bounded_memory() {
        let mut complaints = Complaints::of("door", Vec::new());
        complaints.push(&vec![b'x'; 1 << 20]);
        assert_eq!(complaints.last().len(), Complaints::LINE);
    }
}
