//! The program in a machine of its own, with a kernel that has cameras: `tools/vcam` boots it.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    ops::Deref,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};

use super::server::{FRAMECAST, Server, framecast};

/// The stream of the camera `cam`.
pub const STREAM: &str = "/cameras/cam/stream.mjpg";

/// One guest at a time: an emulated machine takes all that this one has.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running guest with a server in it. Dropping it powers it off.
#[derive(Debug)]
pub struct Guest {
    server: Server,
    shell: u16,
}

/// What a guest is to be started with.
#[derive(Debug)]
pub struct Boot {
    options: Vec<String>,
    cameras: Vec<String>,
    /// Seconds after which the guest is given up.
    limit: u32,
}

/// A guest with the kernel's `vivid` as a camera: raw formats, and faults on demand.
pub fn with_vivid() -> Boot {
    Boot {
        options: Vec::new(),
        cameras: Vec::new(),
        limit: 240,
    }
    .program("v4l2-ctl")
}

/// The same as a grabber with an HDMI input.
pub fn with_hdmi() -> Boot {
    let options = "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x3";
    with_vivid().option("-v", options.to_owned())
}

/// A guest into which a USB camera can be plugged by running `uvcsim FILE`, where `file` holds the pictures.
pub fn with_usb(file: &Path) -> Boot {
    let options = ["-v", "none", "-M", "vhci-hcd", "-M", "uvcvideo", "-f"];
    let mut boot = Boot {
        options: options.map(str::to_owned).into(),
        cameras: Vec::new(),
        limit: 240,
    };
    boot.options.push(uvcsim().display().to_string());
    boot.option("-f", format!("{}=/t/pictures", file.display()))
}

impl Boot {
    pub fn camera(mut self, camera: &str) -> Self {
        self.cameras.push(camera.to_owned());
        self
    }

    /// Gives the guest up after so many seconds and not after four minutes.
    pub fn limit(mut self, seconds: u32) -> Self {
        self.limit = seconds;
        self
    }

    /// Runs this in the background from the beginning.
    pub fn background(self, command: &str) -> Self {
        self.option("-b", command.to_owned())
    }

    fn option(mut self, option: &str, value: String) -> Self {
        self.options.extend([option.to_owned(), value]);
        self
    }

    /// A program of this machine.
    fn program(self, name: &str) -> Self {
        let found = Command::new("which").arg(name).output().unwrap();
        let path = String::from_utf8(found.stdout).unwrap();
        assert!(found.status.success(), "{name} is not installed");
        self.option("-f", path.trim().to_owned())
    }

    /// Boots and waits until the server listens.
    pub fn start(self) -> Guest {
        prepare();
        let (web, shell) = (free_port(), free_port());
        let mut args = vec!["-c".to_owned(), "exec \"$0\" \"$@\" >&2".to_owned()];
        args.push(rig().display().to_string());
        let limit = self.limit.to_string();
        let own = [
            "-m",
            "384",
            "-t",
            &limit,
            "-b",
            "nc -ll -p 9000 -e sh",
            "-f",
        ];
        args.extend(own.map(str::to_owned));
        args.push(format!("{FRAMECAST}={FRAMECAST}"));
        for (host, guest) in [(web, 8080), (shell, 9000)] {
            args.extend(["-p".to_owned(), format!("{host}:{guest}")]);
        }
        args.extend(self.options);
        args.push("--".to_owned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let start = framecast().listen("0.0.0.0:8080").arg("--no-auth");
        let start = self.cameras.iter().fold(start, |start, c| start.camera(c));
        let mut server = start.by_way_of("sh", &args).spawn();
        server.address = ([127, 0, 0, 1], web).into();
        Guest { server, shell }
    }
}

impl Guest {
    /// Runs a shell line in the guest and returns what it prints.
    pub fn run(&self, line: &str) -> String {
        let mut shell = self.shell().unwrap();
        writeln!(shell, "cd /t; exec 2>&1\n{line}").unwrap();
        shell.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        shell.read_to_end(&mut said).unwrap();
        String::from_utf8_lossy(&said).trim().to_owned()
    }

    fn shell(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.shell))
    }

    /// What taking a picture in the guest says.
    pub fn snapshot(&self, source: &str) -> String {
        self.run(&format!(
            "{FRAMECAST} snapshot {source} --timeout 3s -o /tmp/picture.jpg"
        ))
    }

    /// Plugs the USB camera in.
    pub fn plug(&self) {
        self.run("setsid uvcsim pictures >/dev/null 2>&1 </dev/null &");
    }

    /// Unplugs the USB camera.
    pub fn unplug(&self) {
        self.run("killall uvcsim");
    }
}

impl Deref for Guest {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Ok(mut shell) = self.shell() {
            // Nobody is left to answer.
            let _asked = shell.write_all(b"poweroff -f\n");
            let _limit = shell.set_read_timeout(Some(Duration::from_secs(10)));
            let _ended = shell.read(&mut [0]);
        }
        // The rig removes what it made for this run once the guest is off.
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn rig() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/vcam/run.sh")
}

/// Fetches the kernel, the first time ever, however long that takes.
fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let run = Command::new(rig())
            .args(["-v", "none", "--", "true"])
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(
            run.success(),
            "tools/vcam/run.sh can't boot a kernel: {run}"
        );
    });
}

/// Builds the camera in software, and says where it is.
fn uvcsim() -> PathBuf {
    let folder = Path::new(FRAMECAST).parent().unwrap();
    let release = folder.ends_with("release").then_some("--release");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", "uvcsim"])
        .args(release)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success(), "uvcsim does not build");
    folder.join("uvcsim")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
