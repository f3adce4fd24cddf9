//! nginx, Caddy and Apache in front of a server, with what docs/proxies.md tells to write, and a client on their other side.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

#[path = "certificates.rs"]
mod certificates;

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use tokio_tungstenite::{WebSocketStream, tungstenite::handshake::client::Request};

use super::server::{self, Beside, Server, beside, eventually, run};

/// Who may look, where a password is asked for.
pub const USER: &str = "me:hidden";

/// A connection, with or without TLS.
pub trait Link: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Link for T {}

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    Apache,
}

impl Kind {
    /// What the documentation's blocks for it are called.
    fn block(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddyfile",
            Self::Apache => "apache",
        }
    }
}

/// The documented block that holds `part`, letter by letter.
pub fn documented(kind: Kind, part: &str) -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/proxies.md");
    let docs = fs::read_to_string(docs).unwrap();
    let fence = format!("```{}\n", kind.block());
    let mut blocks = docs
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let found = blocks.find(|block| block.contains(part));
    found
        .unwrap_or_else(|| panic!("docs/proxies.md has no {kind:?} block with {part:?}"))
        .to_owned()
}

/// Replaces what must be in the text.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in:\n{text}");
    text.replace(from, to)
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct ReverseProxy {
    address: SocketAddr,
    /// Where the certificate of the authority is, behind TLS.
    authority: Option<PathBuf>,
    _process: Beside,
    folder: tempfile::TempDir,
}

impl ReverseProxy {
    /// The documented site with TLS and a password, in front of `server`.
    pub fn site(kind: Kind, server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let text = match kind {
            Kind::Nginx => documented(kind, "listen 443"),
            Kind::Caddy => documented(kind, "basicauth"),
            Kind::Apache => documented(kind, "<VirtualHost"),
        };
        // The reader's own name, address, files and password.
        let mut text = replaced(&text, "cameras.example.org", "localhost");
        text = replaced(&text, "127.0.0.1:5000", &server.address.to_string());
        let here = |name: &str| folder.path().join(name).display().to_string();
        let authority = if kind == Kind::Caddy {
            let said = run("caddy", &["hash-password", "--plaintext", "hidden"]);
            let hash = String::from_utf8(said.stdout).unwrap();
            text = replaced(&text, "me HASH", &format!("me {}", hash.trim()));
            here("caddy/pki/authorities/local/root.crt")
        } else {
            certificates::authority(folder.path());
            certificates::leaf(folder.path(), "leaf");
            let hash = run("openssl", &["passwd", "-apr1", "hidden"]);
            let hash = String::from_utf8(hash.stdout).unwrap();
            fs::write(here("htpasswd"), format!("me:{hash}")).unwrap();
            text = replaced(&text, "/etc/ssl/cameras.pem", &here("leaf.pem"));
            text = replaced(&text, "/etc/ssl/cameras.key", &here("leaf.key"));
            let (listen, to, file) = match kind {
                Kind::Nginx => (
                    "listen 443",
                    format!("listen {address}"),
                    "/etc/nginx/cameras.htpasswd",
                ),
                _ => (
                    "*:443",
                    address.to_string(),
                    "/etc/apache2/cameras.htpasswd",
                ),
            };
            text = replaced(&text, listen, &to);
            text = replaced(&text, file, &here("htpasswd"));
            here("ca.pem")
        };
        Self::start(kind, folder, address, Some(authority.into()), &text)
    }

    /// Locations of a site without TLS and password.
    pub fn locations(kind: Kind, locations: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let text = match kind {
            Kind::Nginx => format!("server {{\nlisten {address};\n{locations}\n}}"),
            Kind::Caddy => format!("http:// {{\n{locations}\n}}"),
            Kind::Apache => {
                format!(
                    "<VirtualHost {address}>\nServerName localhost\n{locations}\n</VirtualHost>"
                )
            }
        };
        Self::start(kind, folder, address, None, &text)
    }

    fn start(
        kind: Kind,
        folder: tempfile::TempDir,
        address: SocketAddr,
        authority: Option<PathBuf>,
        site: &str,
    ) -> Self {
        let here = folder.path().display();
        let text = match kind {
            Kind::Nginx => nginx(&here.to_string(), site),
            Kind::Caddy => {
                let scheme = authority.as_ref().map_or("http", |_| "https");
                caddy(&here.to_string(), scheme, address, site)
            }
            Kind::Apache => apache(&here.to_string(), address, site),
        };
        let path = folder.path().join("configuration");
        fs::write(&path, text).unwrap();
        let mut command = match kind {
            Kind::Nginx => Command::new("nginx"),
            Kind::Caddy => Command::new("caddy"),
            Kind::Apache => Command::new("apache2"),
        };
        match kind {
            Kind::Nginx => command.arg("-c").arg(&path).args(["-e", "/dev/null"]),
            Kind::Caddy => command
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(&path),
            Kind::Apache => command.arg("-X").arg("-f").arg(&path),
        };
        let log = fs::File::create(folder.path().join("said")).unwrap();
        command
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let process = beside(&mut command);
        let proxy = Self {
            address,
            authority,
            _process: process,
            folder,
        };
        eventually("the proxy", || {
            let asked = proxy.curl(&["-sS", "-o", "/dev/null"], "/");
            let error = String::from_utf8_lossy(&asked.stderr);
            let answers = asked.status.success();
            answers
                .then_some(())
                .ok_or_else(|| format!("{error}\n{}", proxy.said()))
        });
        proxy
    }

    /// As a browser shows it.
    pub fn origin(&self) -> String {
        match self.authority {
            Some(_) => format!("https://localhost:{}", self.address.port()),
            None => format!("http://{}", self.address),
        }
    }

    /// A file for the one who trusts the proxy's certificate.
    fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// What a client has to be told to get through, for curl.
    pub fn curl_options(&self) -> Vec<String> {
        let mut options = Vec::new();
        if let Some(authority) = self.authority() {
            options.extend(["--cacert".to_owned(), authority.display().to_string()]);
            options.extend(["-u".to_owned(), USER.to_owned()]);
        }
        options
    }

    /// Asks for `path` with these options, and returns what curl says.
    pub fn curl(&self, options: &[&str], path: &str) -> Output {
        let own = self.curl_options();
        let mut args: Vec<&str> = own.iter().map(String::as_str).collect();
        args.extend(options);
        let url = format!("{}{path}", self.origin());
        args.push(&url);
        run("curl", &args)
    }

    /// What is answered to a plain GET.
    pub fn text(&self, path: &str) -> String {
        let said = self.curl(&["-sSL"], path);
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.success(), "{path}: {error}");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    /// What `framecast probe` says of a stream.
    pub fn probe(&self, path: &str, seconds: u32) -> Value {
        let mut command = Command::new(server::FRAMECAST);
        let mut url = format!("{}{path}", self.origin());
        if let Some(authority) = self.authority() {
            command.env("SSL_CERT_FILE", authority);
            url = url.replace("://", &format!("://{USER}@"));
        }
        let said = command
            .args(["probe", &url, "--json", "--seconds"])
            .arg(seconds.to_string())
            .env("NO_PROXY", "*")
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        serde_json::from_slice(&said.stdout).expect(&error)
    }

    /// Opens a WebSocket.
    pub async fn websocket(&self, request: Request) -> WebSocketStream<Box<dyn Link>> {
        let plain = TcpStream::connect(self.address).await.unwrap();
        let link: Box<dyn Link> = match self.authority() {
            None => Box::new(plain),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_file(authority).unwrap())
                    .unwrap();
                let config = ClientConfig::builder()
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                let name = ServerName::try_from("localhost").unwrap();
                let connector = TlsConnector::from(Arc::new(config));
                Box::new(connector.connect(name, plain).await.unwrap())
            }
        };
        let opened = tokio_tungstenite::client_async(request, link).await;
        opened
            .unwrap_or_else(|error| panic!("{error}\n{}", self.said()))
            .0
    }

    /// What the proxy wrote.
    fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn nginx(here: &str, site: &str) -> String {
    format!(
        "daemon off;
        master_process off;
        pid {here}/pid;
        error_log {here}/error.log;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {here}/body;
            proxy_temp_path {here}/proxy;
            fastcgi_temp_path {here}/fastcgi;
            uwsgi_temp_path {here}/uwsgi;
            scgi_temp_path {here}/scgi;
            gzip on;
            gzip_types *;
            {site}
        }}"
    )
}

/// Certificates come from an authority of its own in place of one of the internet.
fn caddy(here: &str, scheme: &str, address: SocketAddr, site: &str) -> String {
    format!(
        "{{
            admin off
            local_certs
            skip_install_trust
            auto_https disable_redirects
            storage file_system {here}/caddy
            default_bind {}
            {scheme}_port {}
        }}
        {site}",
        address.ip(),
        address.port()
    )
}

/// Debian's modules, the ones that the documentation names and what a plain installation has switched on.
fn apache(here: &str, address: SocketAddr, site: &str) -> String {
    let modules = [
        "mpm_event",
        "authn_core",
        "authn_file",
        "authz_core",
        "authz_host",
        "authz_user",
        "auth_basic",
        "deflate",
        "filter",
        "reqtimeout",
        "proxy",
        "proxy_http",
        "proxy_wstunnel",
        "socache_shmcb",
        "ssl",
    ];
    let modules = modules
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    format!(
        "{}
        ServerRoot {here}
        ServerName localhost
        PidFile {here}/pid
        DefaultRuntimeDir {here}
        Mutex file:{here} default
        ErrorLog {here}/said
        RequestReadTimeout header=20-40,minrate=500
        RequestReadTimeout body=10,minrate=500
        AddOutputFilterByType DEFLATE text/html text/plain application/json
        Listen {address}
        {site}\n",
        modules.concat()
    )
}
