use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

/// The port when nobody says another.
const PORT: u16 = 5000;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `127.0.0.1:5000`, `[::1]:5000`.
    Tcp(SocketAddr),
    /// `unix:/run/framecast.sock`.
    Unix(PathBuf),
}

impl Listen {
    /// Whether only this machine can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self::Tcp(local(PORT))
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// An address and a port, either of them alone, or `unix:` and a path. A host's name is not looked up, since it may mean
/// several addresses; `localhost` is understood.
impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err(
                    "there must be a path behind `unix:`, as in unix:/run/framecast.sock"
                        .to_owned(),
                )
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Tcp((ip, PORT).into()));
        }
        let port = text.strip_prefix("localhost:").unwrap_or(text);
        match port.parse() {
            Ok(port) => Ok(Self::Tcp(local(port))),
            Err(_) if text == "localhost" => Ok(Self::default()),
            Err(_) => Err(format!(
                "`{text}` is no address to listen on; write it like 127.0.0.1:5000 for this machine only, \
                 0.0.0.0:5000 for the whole network, [::1]:5000 or unix:/run/framecast.sock"
            )),
        }
    }
}

/// As it is written in the configuration.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_shortened() {
        for (text, meant) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("8080", "127.0.0.1:8080"),
            ("localhost", "127.0.0.1:5000"),
            ("localhost:1", "127.0.0.1:1"),
            ("0.0.0.0", "0.0.0.0:5000"),
            ("::1", "[::1]:5000"),
            ("[::]:5000", "[::]:5000"),
            ("unix:/run/x.sock", "unix:/run/x.sock"),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), meant);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":",
            ":5000",
            "unix:",
            "example.org:80",
            "127.0.0.1:70000",
            "1.2.3:5",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_in_every_spelling_is_local() {
        let local = |text: &str| text.parse::<Listen>().unwrap().is_local();
        for text in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
            "unix:x",
        ] {
            assert!(local(text), "{text}");
        }
        for text in [
            "0.0.0.0:1",
            "[::]:1",
            "192.168.1.2:1",
            "[::ffff:10.0.0.1]:1",
        ] {
            assert!(!local(text), "{text}");
        }
    }
}
