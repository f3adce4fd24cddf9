//! Which device node a name means, looked up anew each time: the numbers of nodes change, what they are linked to from
//! `/dev/v4l` does not.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the system has its devices: another folder in tests.
#[derive(Clone, Debug)]
pub(crate) struct System {
    root: PathBuf,
}

impl Default for System {
    fn default() -> Self {
        Self { root: "/".into() }
    }
}

/// What a device node is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `/dev/v4l/by-id/…`: maker, model and serial number. The same in every port.
    pub by_id: Option<PathBuf>,
    /// `/dev/v4l/by-path/…`: the port that it is plugged into.
    pub by_path: Option<PathBuf>,
    /// The serial number of the USB device.
    pub serial: Option<String>,
}

impl System {
    fn under(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// All nodes for video, `/dev/video2` before `/dev/video10`. Not all of them are cameras.
    pub(crate) fn nodes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.under("dev")).into_iter().flatten();
        let mut numbers: Vec<u32> = entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                name.to_str()?.strip_prefix("video")?.parse().ok()
            })
            .collect();
        numbers.sort_unstable();
        let node = |number| self.under("dev").join(format!("video{number}"));
        numbers.into_iter().map(node).collect()
    }

    /// The nodes that `name` may mean: a path, the name of a link under `/dev/v4l`, or a serial number.
    ///
    /// Several for a serial number, as a camera often has a second node for its metadata.
    pub(crate) fn candidates(&self, name: &str) -> Vec<PathBuf> {
        if name.starts_with('/') {
            let path = Path::new(name);
            return path.exists().then(|| path.to_owned()).into_iter().collect();
        }
        for folder in ["dev/v4l/by-id", "dev/v4l/by-path"] {
            let link = self.under(folder).join(name);
            if !name.contains('/') && link.exists() {
                return vec![link];
            }
        }
        let nodes = self.nodes().into_iter();
        nodes
            .filter(|node| self.serial(node).as_deref() == Some(name))
            .collect()
    }

    /// What else `node` is known by.
    pub(crate) fn names(&self, node: &Path) -> Names {
        Names {
            by_id: self.link(node, "dev/v4l/by-id"),
            by_path: self.link(node, "dev/v4l/by-path"),
            serial: self.serial(node),
        }
    }

    /// The link in `folder` that leads to `node`.
    fn link(&self, node: &Path, folder: &str) -> Option<PathBuf> {
        let node = fs::canonicalize(node).ok()?;
        let entries = fs::read_dir(self.under(folder)).ok()?;
        let mut links: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|link| fs::canonicalize(link).is_ok_and(|target| target == node))
            .collect();
        links.sort();
        links.into_iter().next()
    }

    /// The serial number of the USB device behind `node`, as sysfs has it beside the interface's folder.
    fn serial(&self, node: &Path) -> Option<String> {
        let name = node.file_name()?.to_str()?;
        let interface = self
            .under("sys/class/video4linux")
            .join(name)
            .join("device");
        let usb = fs::canonicalize(interface).ok()?.parent()?.to_owned();
        let serial = fs::read_to_string(usb.join("serial")).ok()?;
        let serial = serial.trim();
        (!serial.is_empty()).then(|| serial.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A webcam at `/dev/video2` and `3`, another device at `/dev/video10`.
    fn system() -> (tempfile::TempDir, System) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "dev/v4l/by-id",
            "dev/v4l/by-path",
            "sys/class/video4linux/video2",
            "sys/class/video4linux/video3",
            "sys/devices/usb1/1-1/1-1:1.0",
        ] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        for node in ["video10", "video2", "video3", "videoX", "vide"] {
            fs::write(root.join("dev").join(node), "").unwrap();
        }
        fs::write(root.join("sys/devices/usb1/1-1/serial"), "A1B2\n").unwrap();
        for node in ["video2", "video3"] {
            let device = root.join("sys/class/video4linux").join(node).join("device");
            symlink("../../../devices/usb1/1-1/1-1:1.0", device).unwrap();
        }
        symlink(
            "../../video2",
            root.join("dev/v4l/by-id/usb-Maker_Cam_A1B2-video-index0"),
        )
        .unwrap();
        symlink(
            "../../video3",
            root.join("dev/v4l/by-id/usb-Maker_Cam_A1B2-video-index1"),
        )
        .unwrap();
        symlink(
            "../../video2",
            root.join("dev/v4l/by-path/pci-0:1-video-index0"),
        )
        .unwrap();
        let root = fs::canonicalize(root).unwrap();
        (folder, System { root })
    }

    fn numbers(nodes: &[PathBuf]) -> Vec<String> {
        let name = |node: &PathBuf| {
            let real = fs::canonicalize(node).unwrap();
            real.file_name().unwrap().to_string_lossy().into_owned()
        };
        nodes.iter().map(name).collect()
    }

    #[test]
    fn nodes_come_in_the_order_of_their_numbers() {
        let (_folder, system) = system();
        assert_eq!(numbers(&system.nodes()), ["video2", "video3", "video10"]);
    }

    #[test]
    fn a_camera_is_found_by_its_link_and_by_its_serial_number() {
        let (folder, system) = system();
        let found = |name: &str| numbers(&system.candidates(name));
        assert_eq!(found("usb-Maker_Cam_A1B2-video-index0"), ["video2"]);
        assert_eq!(found("pci-0:1-video-index0"), ["video2"]);
        assert_eq!(found("A1B2"), ["video2", "video3"]);
        let path = folder
            .path()
            .join("dev/v4l/by-id/usb-Maker_Cam_A1B2-video-index1");
        assert_eq!(found(path.to_str().unwrap()), ["video3"]);
        assert_eq!(found("A1B"), [""; 0]);
        assert_eq!(found("/dev/video-that-is-not-there"), [""; 0]);
    }

    #[test]
    fn a_renumbered_camera_keeps_its_names() {
        let (folder, system) = system();
        let id = folder
            .path()
            .join("dev/v4l/by-id/usb-Maker_Cam_A1B2-video-index0");
        fs::remove_file(&id).unwrap();
        fs::rename(
            folder.path().join("dev/video2"),
            folder.path().join("dev/video7"),
        )
        .unwrap();
        symlink("../../video7", &id).unwrap();
        let found = system.candidates("usb-Maker_Cam_A1B2-video-index0");
        assert_eq!(numbers(&found), ["video7"]);
    }

    #[test]
    fn a_node_knows_its_other_names() {
        let (_folder, system) = system();
        let names = system.names(&system.nodes()[0]);
        assert!(
            names
                .by_id
                .unwrap()
                .ends_with("usb-Maker_Cam_A1B2-video-index0")
        );
        assert!(names.by_path.unwrap().ends_with("pci-0:1-video-index0"));
        assert_eq!(names.serial.as_deref(), Some("A1B2"));
        assert_eq!(system.names(&system.nodes()[2]), Names::default());
    }
}
