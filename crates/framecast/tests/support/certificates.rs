//! Certificates for tests, made by openssl: an authority, and what it vouches for.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

use std::{path::Path, process::Command};

const NEW: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";

/// Makes an authority: `ca.pem` and `ca.key`.
pub fn authority(folder: &Path) {
    openssl(
        folder,
        &format!("{NEW} -subj /CN=authority -keyout ca.key -out ca.pem"),
    );
}

/// Makes a certificate of the authority's for `localhost` and 127.0.0.1: `NAME.pem` and `NAME.key`.
pub fn leaf(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "{NEW} -subj /CN=localhost -keyout {name}.key -out {name}.pem -CA ca.pem -CAkey ca.key \
             -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
        ),
    );
}

/// What openssl says.
pub fn openssl(folder: &Path, args: &str) -> String {
    let said = Command::new("openssl")
        .args(args.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{error}");
    String::from_utf8(said.stdout).unwrap()
}
