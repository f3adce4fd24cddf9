//! The real program, started as a user would, and a plain HTTP client that hides nothing of what is on the wire.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "shown only when a test fails")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

#[path = "wire.rs"]
mod wire;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

pub use wire::*;

/// How long anything may take that takes no time on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub const FRAMECAST: &str = env!("CARGO_BIN_EXE_framecast");

/// What a server is to be started with.
#[derive(Debug)]
pub struct Start {
    command: Command,
    folder: tempfile::TempDir,
    listens: bool,
}

/// `framecast` in an empty folder and without settings of the one who runs the tests.
pub fn framecast() -> Start {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(FRAMECAST);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let known = ["CAMERA", "OPENCV_CAMERA_SOURCE", "NOTIFY_SOCKET"];
        if name.starts_with("FRAMECAST_") || known.contains(&&*name) {
            command.env_remove(&*name);
        }
    }
    command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .env("NO_PROXY", "*")
        .env("XDG_STATE_HOME", folder.path())
        .env_remove("FRAMECAST_STATE")
        .env_remove("STATE_DIRECTORY")
        .env_remove("CREDENTIALS_DIRECTORY");
    Start {
        command,
        folder,
        listens: false,
    }
}

/// A server with these cameras on a free port.
pub fn serve(cameras: &[&str]) -> Server {
    cameras
        .iter()
        .fold(framecast(), |start, camera| start.camera(camera))
        .spawn()
}

impl Start {
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn camera(self, camera: &str) -> Self {
        self.arg("--camera").arg(camera)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Writes the configuration file and starts with it.
    pub fn config(self, text: &str) -> Self {
        let path = self.path("framecast.toml");
        fs::write(&path, text).unwrap();
        self.arg("--config").arg(path)
    }

    /// Lets somebody in before the server starts: `role` and more flags of `framecast user add`.
    pub fn user(self, name: &str, password: &str, flags: &[&str]) -> Self {
        let args = [&["user", "add", name][..], flags].concat();
        tell(self.folder.path(), &args, password);
        self
    }

    /// Makes a token before the server starts, and returns it.
    pub fn token(&self, name: &str, flags: &[&str]) -> String {
        let args = [&["token", "add", name][..], flags].concat();
        tell(self.folder.path(), &args, "")
    }

    /// Where else than on a free port of this machine.
    pub fn listen(mut self, address: &str) -> Self {
        self.listens = true;
        self.arg("--listen").arg(address)
    }

    /// It is given a socket, or told elsewhere where to listen.
    pub fn listens_elsewhere(mut self) -> Self {
        self.listens = true;
        self
    }

    /// A path in the folder that the server runs in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it and waits until it says where it listens.
    pub fn spawn(mut self) -> Server {
        if !self.listens {
            self = self.listen("127.0.0.1:0");
        }
        let program = self.command.get_program().to_owned();
        Server::of(self.command, self.folder)
            .unwrap_or_else(|log| panic!("{} did not start:\n{log}", program.display()))
    }

    /// Runs it to its end.
    pub fn output(mut self) -> Output {
        self.command.output().unwrap()
    }

    /// The same start by way of another program, which gets framecast's command line behind its own.
    pub fn by_way_of(mut self, program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(args)
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }
}

fn tell(state: &Path, args: &[&str], input: &str) -> String {
    let mut child = Command::new(FRAMECAST)
        .args(args)
        .env("XDG_STATE_HOME", state)
        .env_remove("FRAMECAST_STATE")
        .env_remove("STATE_DIRECTORY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that asks for nothing may have ended already.
    let _told = stdin.write_all(format!("{input}\n").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// A running server. Dropping it ends it with everything that it started.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// What its paths start with.
    pub base: String,
    /// `http` or `https`; whatever here reads and writes by the letter is for the first only.
    pub scheme: String,
    log: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
}

impl Server {
    fn of(mut command: Command, folder: tempfile::TempDir) -> Result<Self, String> {
        let mut child = command
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut lines = lines.lock().unwrap();
                *lines += &line;
                *lines += "\n";
            }
        });
        let mut server = Self {
            child,
            address: ([0, 0, 0, 0], 0).into(),
            base: String::new(),
            scheme: "http".to_owned(),
            log,
            folder,
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = server.log();
            if let Some((scheme, address, base)) = listening(&log) {
                (server.scheme, server.address, server.base) = (scheme, address, base);
                return Ok(server);
            }
            if Instant::now() > deadline || server.child.try_wait().unwrap().is_some() {
                thread::sleep(Duration::from_millis(100));
                return Err(server.log());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// A path in the folder that the server runs in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a command says that looks after users, tokens and addresses of this server; `input` is what is typed.
    pub fn tell(&self, args: &[&str], input: &str) -> String {
        tell(self.folder.path(), args, input)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end, and for how long that took.
    pub fn wait(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, start.elapsed());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// One request on a connection of its own, and the whole answer.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut open = self.open(method, path, headers, body);
        let mut body = Vec::new();
        let length = open.header("content-length").map(|it| it.parse().unwrap());
        match length {
            _ if method == "HEAD" => {}
            Some(length) => {
                body.resize(length, 0);
                open.rest.read_exact(&mut body).unwrap();
            }
            None => {
                open.rest.read_to_end(&mut body).unwrap();
                if open.header("transfer-encoding") == Some("chunked") {
                    body = unchunked(&body);
                }
            }
        }
        open.head.body = body;
        open.head
    }

    /// Sends JSON and returns what is answered.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        self.ask(method, path, &headers, body.to_string().as_bytes())
    }

    /// One request, and its answer as far as the head; the body can be read from [`Open::rest`].
    pub fn open(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Open {
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "Connection: close\r\n\r\n";
        let mut socket = self.connect();
        // A server that refuses need not read the body.
        let _sent = socket
            .write_all(request.as_bytes())
            .and_then(|()| socket.write_all(body));
        Open::of(socket).unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Watches a stream in the programs' dialect.
    pub fn watch(&self, path: &str) -> Viewer {
        let open = self.open("GET", path, &[], b"");
        assert_eq!(open.head.status, 200, "{path}: {:?}", open.head);
        Viewer::of(open)
    }

    /// What the JSON interface says of a camera.
    pub fn camera(&self, name: &str) -> Value {
        let answer = self.get(&format!("{}/api/v1/cameras/{name}", self.base));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.value()
    }

    /// Waits until a camera's view is as it should be.
    pub fn until(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut view = Value::Null;
        eventually(&format!("camera {name}"), || {
            view = self.camera(name);
            wanted(&view).then_some(()).ok_or_else(|| view.to_string())
        });
        view
    }

    pub fn until_state(&self, name: &str, state: &str) -> Value {
        self.until(name, |view| view["state"]["state"] == state)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // First in good order, so that it ends the commands of its cameras, which are in groups of their own.
        let _asked = kill_process(self.pid(), Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(4);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(5));
        }
        let _killed = kill_process_group(self.pid(), Signal::KILL);
        let _status = self.child.wait();
        if thread::panicking() {
            println!("the server's log:\n{}", self.log());
        }
    }
}

/// A body without the sizes of its chunks.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|it| it == b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        rest = &rest[end + 2..];
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}

/// The scheme, address and base path that the log tells, or a stand-in for them where there is only a Unix socket.
fn listening(log: &str) -> Option<(String, SocketAddr, String)> {
    if let Some((_, rest)) = log.split_once("watch at ") {
        // The line is text or JSON.
        let url = rest.split(['\n', '"']).next()?.strip_suffix('/')?;
        let (scheme, url) = url.split_once("://")?;
        let (address, base) = url.split_at(url.find('/').unwrap_or(url.len()));
        return Some((scheme.to_owned(), address.parse().ok()?, base.to_owned()));
    }
    let unix = log.contains("listening on ") && log.ends_with('\n');
    unix.then(|| ("http".to_owned(), ([0, 0, 0, 0], 0).into(), String::new()))
}

/// Tries again until it succeeds or patience is at its end.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(last) if Instant::now() > deadline => panic!("{what}: {last}"),
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Runs a program to its end.
pub fn run(program: impl AsRef<OsStr>, args: &[&str]) -> Output {
    let program = program.as_ref();
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// The Python that has OpenCV and requests.
pub fn python() -> PathBuf {
    match std::env::var_os("FRAMECAST_TEST_PYTHON") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python"),
    }
}

/// A program that runs beside a test and ends with it.
#[derive(Debug)]
pub struct Beside(pub Child);

/// Starts a program in a group of its own.
pub fn beside(command: &mut Command) -> Beside {
    let child = command.process_group(0).stdin(Stdio::null()).spawn();
    Beside(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _killed = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _status = self.0.wait();
    }
}
