//! What the system has for a Raspberry Pi's cameras: the program, the devices, and who holds them.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use framecast_camera::{Error, ErrorKind, Result};
use rustix::fs::{major, minor};

/// The newer name first.
const PROGRAMS: [&str; 2] = ["rpicam-vid", "libcamera-vid"];

/// Where programs and devices are looked for.
#[derive(Clone, Debug)]
pub struct System {
    path: Vec<PathBuf>,
    root: PathBuf,
}

impl System {
    /// This machine: programs from `PATH`.
    pub fn this() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        Self::at(env::split_paths(&path).collect(), "/")
    }

    /// Programs from the folders `path`, and the folders `dev`, `proc` and `sys` below `root`.
    pub fn at(path: Vec<PathBuf>, root: impl Into<PathBuf>) -> Self {
        Self {
            path,
            root: root.into(),
        }
    }

    /// How the camera is read here.
    pub(super) fn way(&self) -> Result<Way> {
        way(self.find_program(), self.old_node())
    }

    /// The program that reads the cameras.
    pub(super) fn program(&self) -> Result<PathBuf> {
        self.find_program().ok_or_else(missing)
    }

    fn find_program(&self) -> Option<PathBuf> {
        PROGRAMS
            .iter()
            .flat_map(|name| self.path.iter().map(move |folder| folder.join(name)))
            .find(|path| {
                fs::metadata(path)
                    .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
            })
    }

    /// The video node of the driver `bcm2835-v4l2`, by which systems before libcamera have the camera.
    pub(super) fn old_node(&self) -> Option<PathBuf> {
        let nodes = fs::read_dir(self.root.join("sys/class/video4linux")).ok()?;
        let mut old: Vec<PathBuf> = nodes
            .filter_map(|node| node.ok())
            .filter(|node| {
                let name = fs::read_to_string(node.path().join("name")).unwrap_or_default();
                let driver = fs::read_link(node.path().join("device/driver")).unwrap_or_default();
                is_old(name.trim(), &driver)
            })
            .map(|node| Path::new("/dev").join(node.file_name()))
            .collect();
        old.sort();
        old.into_iter().next()
    }

    /// The process that has a camera open: its name and its number.
    ///
    /// libcamera locks the media devices that it uses, and `/proc/locks` says to everybody whose a lock is.
    pub(super) fn holder(&self) -> Option<(String, u32)> {
        let devices: Vec<String> = fs::read_dir(self.root.join("dev"))
            .ok()?
            .filter_map(|entry| entry.ok())
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("media"))
            .filter_map(|entry| entry.metadata().ok())
            .map(|meta| {
                let device = meta.dev();
                let (major, minor) = (major(device), minor(device));
                format!("{major:02x}:{minor:02x}:{}", meta.ino())
            })
            .collect();
        let locks = fs::read_to_string(self.root.join("proc/locks")).ok()?;
        locks.lines().find_map(|lock| {
            // `1: POSIX  ADVISORY  WRITE 1234 00:05:345 0 EOF`
            let mut fields = lock.split_whitespace().skip(4);
            let process: u32 = fields.next()?.parse().ok()?;
            let file = fields.next()?;
            if !devices.iter().any(|device| device == file) {
                return None;
            }
            let comm = self.root.join(format!("proc/{process}/comm"));
            let name = fs::read_to_string(comm).ok()?;
            Some((name.trim().to_owned(), process))
        })
    }
}

/// How a camera module is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Way {
    /// By this program.
    Program(PathBuf),
    /// By the kernel, from this node of the old driver.
    Kernel(PathBuf),
}

/// The program, where there is one: a system that has both has been moved to the new stack.
fn way(program: Option<PathBuf>, old_node: Option<PathBuf>) -> Result<Way> {
    let kernel = || old_node.map(Way::Kernel);
    program
        .map(Way::Program)
        .or_else(kernel)
        .ok_or_else(missing)
}

fn missing() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "neither `rpicam-vid` nor `libcamera-vid` is installed: apt-get install rpicam-apps",
    )
}

/// Not every node of that chip is a camera: the new stack has its codecs and image processors beside it.
fn is_old(name: &str, driver: &Path) -> bool {
    let driver = driver.file_name().unwrap_or_default().to_string_lossy();
    let of_camera = |text: &str| text.contains("mmal") || text.contains("bcm2835-v4l2");
    of_camera(name) || of_camera(&driver) || driver == "bcm2835-camera"
}

/// What to say on a system that has its camera by the old driver.
pub(super) fn use_v4l2(node: &Path) -> Error {
    let node = node.display();
    Error::new(
        ErrorKind::Unsupported,
        format!("this system has its camera by the old driver: write `v4l2:{node}` and not `pi`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_driver_is_used_where_there_is_no_program() {
        let (program, node) = (
            PathBuf::from("/bin/rpicam-vid"),
            PathBuf::from("/dev/video0"),
        );
        let chosen = |program: Option<&PathBuf>, node: Option<&PathBuf>| {
            way(program.cloned(), node.cloned())
        };
        let by_program = Way::Program(program.clone());
        assert_eq!(chosen(Some(&program), None).unwrap(), by_program);
        assert_eq!(chosen(Some(&program), Some(&node)).unwrap(), by_program);
        assert_eq!(chosen(None, Some(&node)).unwrap(), Way::Kernel(node));
        let error = chosen(None, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("rpicam-apps"), "{error}");
    }

    #[test]
    fn codecs_and_image_processors_are_no_cameras() {
        for name in [
            "bcm2835-codec-decode",
            "bcm2835-isp-capture0",
            "unicam-image",
        ] {
            assert!(
                !is_old(name, Path::new("../drivers/bcm2835-codec")),
                "{name}"
            );
        }
        assert!(is_old("mmal service 16.1", Path::new("")));
        assert!(is_old("camera0", Path::new("../bus/bcm2835-camera")));
    }
}
