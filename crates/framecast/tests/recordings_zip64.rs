//! Archives of more files than 16 bits can count, and of more bytes than 32 bits can say, as other programs read them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use framecast::recordings::{Health, Picture, Recordings, Settings};
use framecast_camera::{Captured, Size};
use framecast_media::zip::{self, Entry};
use server::{FRAMECAST, eventually, python, run};

fn output(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let output = run(program, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the store takes for a picture: it looks at none.
fn jpeg(number: u64) -> Bytes {
    let mut jpeg = b"\xff\xd8\xff\xfe\0\x16".to_vec();
    jpeg.extend_from_slice(format!("{number:020}").as_bytes());
    jpeg.extend_from_slice(b"\xff\xd9");
    jpeg.into()
}

const PICTURES: u64 = 66_000;

/// A camera's pictures of a hundredth of a second each.
fn record(root: &Path, began: SystemTime) {
    let recordings = Recordings::open(Settings {
        min_free: 0,
        ..Settings::new(root)
    });
    let writer = recordings.writer("door").unwrap();
    eventually("the store", || match recordings.health() {
        Health::Ready => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let monotonic = Instant::now();
    writer.push_kept((0..PICTURES).map(|number| {
        let since = Duration::from_millis(10 * number);
        Picture {
            jpeg: jpeg(number),
            size: Size::new(8, 8),
            captured: Captured {
                monotonic: monotonic + since,
                wall: began + since,
            },
        }
    }));
    eventually("all pictures", || match writer.progress().frames {
        PICTURES => Ok(()),
        few => Err(few.to_string()),
    });
}

#[test]
fn an_archive_of_more_pictures_than_16_bits_count_is_read_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("recordings");
    let began = humantime::parse_rfc3339("2026-11-20T12:00:00Z").unwrap();
    record(&root, began);
    let file = folder.path().join("door.zip");
    let (root, path) = (root.to_str().unwrap(), file.to_str().unwrap());
    let (from, to) = ("2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z");
    output(
        FRAMECAST,
        &[
            "recordings",
            "export",
            "door",
            "--recordings",
            root,
            "--from",
            from,
            "--to",
            to,
            "-o",
            path,
        ],
    );
    // Each file's checksum is compared by both.
    output("unzip", &["-tqq", path]);
    let script = "import sys, zipfile\n\
        z = zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        names = z.namelist()\n\
        print(len(names), names == sorted(names), z.read(names[-1])[6:26].decode())";
    let said = output(python(), &["-c", script, path]);
    assert_eq!(said.trim(), format!("{PICTURES} True {:020}", PICTURES - 1));
}

#[test]
fn an_archive_of_more_bytes_than_32_bits_say_is_read_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.zip");
    let mut file = File::create(&path).unwrap();
    // Five files of a gigabyte of nothing, which take no room on the disk, and a small one behind them.
    let (large, small) = (1_u32 << 30, b"a picture");
    let mut nothing = crc32fast::Hasher::new();
    for _ in 0..1024 {
        nothing.update(&[0; 1 << 20]);
    }
    let nothing = nothing.finalize();
    let mut headers = Vec::new();
    for number in 0..6 {
        let name = format!("{number}.jpg");
        let (crc, len) = match number {
            5 => (zip::crc(small), small.len() as u32),
            _ => (nothing, large),
        };
        let entry = Entry {
            name: &name,
            changed: [46, 11, 20, 12, 0, 0],
            crc,
            len,
        };
        let at = file.stream_position().unwrap();
        file.write_all(&zip::local(&entry)).unwrap();
        match number {
            5 => file.write_all(small).unwrap(),
            _ => {
                file.seek(SeekFrom::Current(large.into())).unwrap();
            }
        }
        headers.extend_from_slice(&zip::central(&entry, at));
    }
    let at = file.stream_position().unwrap();
    file.write_all(&headers).unwrap();
    file.write_all(&zip::end(6, at, headers.len() as u64))
        .unwrap();
    drop(file);
    assert!(fs::metadata(&path).unwrap().len() > 5 << 30);

    let path = path.to_str().unwrap();
    output("unzip", &["-tqq", path, "5.jpg", "4.jpg"]);
    let script = "import sys, zipfile\n\
        z = zipfile.ZipFile(sys.argv[1])\n\
        print(len(z.namelist()), z.getinfo('5.jpg').header_offset, z.read('5.jpg').decode())";
    let said = output(python(), &["-c", script, path]);
    let offset = 5 * (u64::from(large) + zip::local_len("0.jpg".len()));
    assert_eq!(said.trim(), format!("6 {offset} a picture"));
}
