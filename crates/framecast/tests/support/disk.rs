//! Small real disks: file systems in memory and in a file, which need the rights of root.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// A mounted file system, unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    folder: tempfile::TempDir,
    mounted: bool,
}

impl Disk {
    /// So many megabytes in memory.
    pub fn tmpfs(megabytes: u32) -> Self {
        let disk = Self::folder();
        let (size, path) = (format!("size={megabytes}m"), disk.path());
        sudo(&["mount", "-t", "tmpfs", "-o", &size, "none", plain(&path)]);
        disk
    }

    /// So many megabytes in a file.
    pub fn image(kind: &str, megabytes: u64) -> Self {
        let disk = Self::folder();
        let image = disk.image_path();
        let file = fs::File::create(&image).unwrap();
        file.set_len(megabytes << 20).unwrap();
        let mkfs = format!("mkfs.{kind}");
        sudo(&[&mkfs, "-q", plain(&image)]);
        disk.mount_image();
        disk
    }

    fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        Self {
            folder,
            mounted: true,
        }
    }

    fn mount_image(&self) {
        let (image, path) = (self.image_path(), self.path());
        sudo(&["mount", "-o", "loop", plain(&image), plain(&path)]);
    }

    fn image_path(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// The same disk, with what has come to it by now.
    pub fn as_after_a_power_cut(&self) -> Self {
        let copy = Self::folder();
        fs::copy(self.image_path(), copy.image_path()).unwrap();
        copy.mount_image();
        copy
    }

    /// Takes all the space that is left.
    pub fn fill(&self, filler: &Path) {
        let mut file = fs::File::create(filler).unwrap();
        while file.write_all(&[0x55; 4096]).is_ok() {}
    }

    /// As the kernel does after an error of the disk, whoever has files open on it.
    pub fn make_read_only(&self) {
        sudo(&["mount", "-o", "remount,abort", plain(&self.path())]);
    }

    /// Repairs and mounts it again, which works once nobody has a file open on it.
    pub fn make_writable(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while !Command::new("umount")
            .arg(self.path())
            .output()
            .unwrap()
            .status
            .success()
        {
            assert!(Instant::now() < end, "somebody holds the disk");
            thread::sleep(Duration::from_millis(100));
        }
        self.mount_image();
    }

    /// Takes it away from under whoever uses it.
    pub fn unmount(&mut self) {
        sudo(&["umount", "-l", plain(&self.path())]);
        self.mounted = false;
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _gone = Command::new("umount").arg("-l").arg(self.path()).status();
        }
    }
}

fn sudo(line: &[&str]) {
    let (program, rest) = if rustix::process::geteuid().is_root() {
        line.split_first().unwrap()
    } else {
        (&"sudo", line)
    };
    let done = Command::new(program).args(rest).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{line:?}: {said}");
}

/// The name of a temporary folder is plain text.
fn plain(path: &Path) -> &str {
    path.to_str().unwrap()
}
