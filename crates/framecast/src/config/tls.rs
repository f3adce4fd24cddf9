use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    Listen,
    draft::Given,
    keys::Key,
    value::{Parsed, Value},
};

/// How connections by TCP are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Which certificate is shown.
    pub identity: Identity,
    /// Other addresses, where requests are only sent on to the encrypted one.
    pub redirect: Vec<SocketAddr>,
    /// For how long browsers that came by a public name shall insist on encryption.
    pub hsts: Option<Duration>,
}

/// Which certificate is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// That of two files, which may be the same one; where they are is for [`Config::locate`](super::Config::locate) to say.
    Files {
        /// The certificate, and those that vouch for it.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// One that the server makes itself.
    SelfSigned,
}

/// `[tls]` in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    self_signed: bool,
    redirect: Vec<SocketAddr>,
    hsts: Option<Duration>,
}

/// `[tls]`.
pub(super) const TLS: &[Key<Draft>] = &[
    Key {
        name: "certificate",
        set: |draft, value| {
            draft.certificate = Some(file(value, "cameras.pem")?);
            Ok(())
        },
    },
    Key {
        name: "key",
        set: |draft, value| {
            draft.key = Some(file(value, "cameras.key")?);
            Ok(())
        },
    },
    Key {
        name: "self_signed",
        set: |draft, value| {
            draft.self_signed = value.boolean()?;
            Ok(())
        },
    },
    Key {
        name: "redirect",
        set: |draft, value| {
            draft.redirect = redirect(value)?;
            Ok(())
        },
    },
    Key {
        name: "hsts",
        set: |draft, value| {
            draft.hsts = Some(value.age()?);
            Ok(())
        },
    },
];

impl Draft {
    /// Writes what was given over what the file says: another certificate replaces the file's, of whatever kind that is.
    pub(super) fn give(&mut self, given: &Given, mut wrong: impl FnMut(&str, String)) {
        let [certificate, key] = [&given.tls_certificate, &given.tls_key].map(|it| it.trim());
        if !certificate.is_empty() || given.tls_self_signed {
            (self.certificate, self.key) = (None, None);
            self.self_signed = given.tls_self_signed;
        }
        for (flag, text, to) in [
            ("--tls-certificate", certificate, &mut self.certificate),
            ("--tls-key", key, &mut self.key),
        ] {
            if !text.is_empty() {
                // What is typed is meant from where one is, and not from where the configuration file is.
                match std::path::absolute(text) {
                    Ok(path) => *to = Some(path),
                    Err(error) => wrong(flag, error.to_string()),
                }
            }
        }
        if given
            .tls_redirect
            .iter()
            .any(|text| !text.trim().is_empty())
        {
            match redirect(Value::Several(&given.tls_redirect)) {
                Ok(addresses) => self.redirect = addresses,
                Err(why) => wrong("--tls-redirect", why),
            }
        }
    }

    /// What is meant, or what does not go together.
    pub(super) fn finish(self) -> Parsed<Option<Tls>> {
        let identity = match (self.certificate, self.key, self.self_signed) {
            (Some(certificate), key, false) => Identity::Files {
                key: key.unwrap_or_else(|| certificate.clone()),
                certificate,
            },
            (None, None, true) => Identity::SelfSigned,
            (_, _, true) => {
                return Err(
                    "there is a `certificate` or `key` (--tls-certificate, --tls-key) as well as `self_signed` \
                     (--tls-self-signed): leave one out"
                        .to_owned(),
                );
            }
            (None, Some(_), false) => {
                return Err(
                    "there is a `key` (--tls-key) and no `certificate` (--tls-certificate)"
                        .to_owned(),
                );
            }
            (None, None, false) if self.redirect.is_empty() && self.hsts.is_none() => {
                return Ok(None);
            }
            (None, None, false) => {
                return Err(
                    "`redirect` (--tls-redirect) and `hsts` are of no use without a `certificate` (--tls-certificate) \
                     or `self_signed` (--tls-self-signed)"
                        .to_owned(),
                );
            }
        };
        Ok(Some(Tls {
            identity,
            redirect: self.redirect,
            hsts: self.hsts,
        }))
    }
}

fn file(value: Value<'_>, example: &str) -> Parsed<PathBuf> {
    match value.text(example)? {
        "" => Err(format!("must name a file such as \"{example}\"")),
        path => Ok(path.into()),
    }
}

fn redirect(value: Value<'_>) -> Parsed<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for text in value.texts("0.0.0.0:80")? {
        match text.parse()? {
            Listen::Tcp(address) if addresses.contains(&address) => {
                return Err(format!("names {address} twice"));
            }
            Listen::Tcp(address) => addresses.push(address),
            Listen::Unix(_) => {
                return Err(format!(
                    "`{text}` is no address and port; write it like 0.0.0.0:80"
                ));
            }
        }
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        config::Config,
        drivers::{Registry, push},
    };

    fn load(file: &str, given: Given) -> Result<Option<Tls>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("framecast.toml");
        std::fs::write(&path, file).unwrap();
        let given = Given {
            file: Some(path),
            ..given
        };
        let registry = Registry::bundled(&push::Ports::default());
        let config = Config::load(&given, &registry).map_err(|it| it.to_string())?;
        Ok(config.tls)
    }

    fn files(certificate: &str, key: &str) -> Identity {
        Identity::Files {
            certificate: certificate.into(),
            key: key.into(),
        }
    }

    #[test]
    fn a_key_may_be_in_the_certificates_file_or_in_its_own() {
        let file = "[tls]\ncertificate = 'a.pem'\nredirect = ['0.0.0.0:80', '[::]:80']\nhsts = '180days'\n";
        let tls = load(file, Given::default()).unwrap().unwrap();
        assert_eq!(tls.identity, files("a.pem", "a.pem"));
        assert_eq!(tls.redirect.len(), 2);
        assert_eq!(tls.hsts, Some(Duration::from_secs(180 * 24 * 3600)));
        let file = "[tls]\ncertificate = 'a.pem'\nkey = 'a.key'\n";
        let tls = load(file, Given::default()).unwrap().unwrap();
        assert_eq!(tls.identity, files("a.pem", "a.key"));
        assert_eq!(load("", Given::default()), Ok(None));
        assert_eq!(
            load("[tls]\nself_signed = false\n", Given::default()),
            Ok(None)
        );
    }

    #[test]
    fn a_flag_replaces_the_files_certificate_whatever_its_kind() {
        let file = "[tls]\ncertificate = 'a.pem'\nkey = 'a.key'\n";
        let given = Given {
            tls_self_signed: true,
            ..Given::default()
        };
        let tls = load(file, given).unwrap().unwrap();
        assert_eq!(tls.identity, Identity::SelfSigned);
        let given = Given {
            tls_certificate: "/etc/b.pem".to_owned(),
            ..Given::default()
        };
        for file in [file, "[tls]\nself_signed = true\n"] {
            let tls = load(file, given.clone()).unwrap().unwrap();
            assert_eq!(tls.identity, files("/etc/b.pem", "/etc/b.pem"));
        }
        let given = Given {
            tls_certificate: "b.pem".to_owned(),
            ..Given::default()
        };
        let tls = load(file, given).unwrap().unwrap();
        let here = std::env::current_dir().unwrap().join(Path::new("b.pem"));
        let here = here.to_str().unwrap();
        assert_eq!(tls.identity, files(here, here));
    }

    #[test]
    fn what_does_not_go_together_is_said() {
        for (file, wrong) in [
            ("key = 'a.key'", "no `certificate`"),
            ("certificate = 'a.pem'\nself_signed = true", "leave one out"),
            ("redirect = '80'", "of no use"),
            ("hsts = '1day'", "of no use"),
            (
                "self_signed = true\nredirect = 'unix:x'",
                "no address and port",
            ),
            ("self_signed = true\nredirect = ['80', '80']", "twice"),
            ("self_signed = 1", "true or false"),
            ("certificate = ''", "must name a file"),
            ("self_signed = true\nhsts = '1 moment'", "no time"),
        ] {
            let said = load(&format!("[tls]\n{file}\n"), Given::default()).unwrap_err();
            assert!(said.contains(wrong) && said.lines().count() == 1, "{said}");
        }
    }
}
