//! Names that a server is called by, and sites that ask: decided by what a request says, without the request.
//!
//! A web site can point its own name at this machine (DNS rebinding): to the browser its page and this server are then one
//! site. Addresses can't be pointed elsewhere, nor can names that public DNS does not know.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Top-level names that are not delegated: RFC 6761, RFC 6762, RFC 8375, and ICANN's and routers' own.
const PRIVATE: [&str; 5] = ["localhost", "local", "lan", "internal", "home.arpa"];

/// Whether `named`, a `Host` header or what stands for it, is an address, a name that public DNS does not know, or one of
/// `hosts`.
pub(crate) fn is_own(named: &str, hosts: &[String]) -> bool {
    is_local(named) || hosts.contains(&name(named))
}

/// Whether `named` is an address, or a name that public DNS does not know.
pub(crate) fn is_local(named: &str) -> bool {
    if let Some((address, port)) = named.strip_prefix('[').and_then(|it| it.split_once(']')) {
        let is_address = address.parse::<Ipv6Addr>().is_ok();
        return is_address && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let name = name(named);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let private = |suffix: &&str| {
        name.strip_suffix(*suffix)
            .is_some_and(|front| front.is_empty() || front.ends_with('.'))
    };
    // Anything else might be taken for another name by somebody else.
    name.chars().all(is_plain)
        && (!name.contains('.') || name.parse::<Ipv4Addr>().is_ok() || PRIVATE.iter().any(private))
}

/// What stands before the port, if there is one.
pub(crate) fn without_port(named: &str) -> &str {
    match named.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.ends_with(':') => name,
        _ => named,
    }
}

/// Without the port and a dot at the end, in small letters.
fn name(named: &str) -> String {
    let name = without_port(named);
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `origin`, as browsers send it, is the site that is called by `host`.
pub(crate) fn is_same_site(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_of_local_networks_are_its_own() {
        for named in [
            "",
            "127.0.0.1:5000",
            "192.168.1.7",
            "[::1]:5000",
            "localhost:5000",
            "octopi",
            "camera.local:80",
            "Camera.LAN.",
            "a.b.home.arpa",
        ] {
            assert!(is_own(named, &[]), "{named}");
        }
    }

    #[test]
    fn a_public_name_is_its_own_only_if_it_is_listed() {
        let hosts = ["cams.example.org".to_owned()];
        assert!(is_own("cams.example.org:443", &hosts));
        assert!(is_own("CAMS.example.org", &hosts));
        for named in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:5000",
            "evillocal.example",
            "xcams.example.org",
            "evil.notlocal",
            "1.2.3",
            "cam:5000.evil.example",
            "[::1].evil.example",
            "[evil.example]",
            "evil.example/.local",
            "evil.example#.local",
            "evil.example\\.local",
            "user@octopi",
        ] {
            assert!(!is_own(named, &hosts), "{named}");
        }
    }

    #[test]
    fn a_port_is_taken_off_of_names_and_addresses() {
        for (named, name) in [
            ("octopi:5000", "octopi"),
            ("octopi", "octopi"),
            ("[::1]:5000", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1:", "127.0.0.1"),
            ("", ""),
        ] {
            assert_eq!(without_port(named), name);
        }
    }

    #[test]
    fn a_site_is_the_same_by_name_and_port() {
        assert!(is_same_site("http://cam:5000", Some("cam:5000")));
        assert!(is_same_site("https://cam", Some("cam")));
        for (origin, host) in [
            ("http://cam:5001", Some("cam:5000")),
            ("http://evil.example", Some("cam")),
            ("null", Some("null")),
            ("", Some("")),
            ("http://cam", None),
        ] {
            assert!(!is_same_site(origin, host), "{origin}");
        }
    }
}
