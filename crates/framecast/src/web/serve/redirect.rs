//! Sends those who came without encryption to the same address with it.
//!
//! Only to names that are the server's own, so that nobody can be led elsewhere by way of this server. The answer is not for ever:
//! browsers would keep it, and addresses of a local network pass from one server to another.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    super::{error::Failure, guard, headers, host},
    BUFFER, HEAD_TIME,
};

/// Where to send whoever comes without encryption. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ToHttps {
    /// The port that is encrypted; `None` for the one they came to.
    port: Option<u16>,
    hosts: Arc<[String]>,
}

impl ToHttps {
    /// To the same port, with encryption; `hosts` are the public names that the server has, as for
    /// [`called_by`](crate::web::called_by).
    pub fn same_port(hosts: &[String]) -> Self {
        Self {
            port: None,
            hosts: hosts.into(),
        }
    }

    /// To another port.
    pub fn port(port: u16, hosts: &[String]) -> Self {
        Self {
            port: Some(port),
            hosts: hosts.into(),
        }
    }

    /// Answers the request of one connection.
    pub(super) async fn serve(&self, shutdown: &CancellationToken, stream: TcpStream) {
        let here = stream.local_addr().ok();
        let service = service_fn(|request: Request<Incoming>| {
            let answer = self.answer(&request, here);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(BUFFER)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        let outcome = tokio::select! {
            outcome = connection => outcome,
            () = shutdown.cancelled() => return,
        };
        if let Err(error) = outcome {
            debug!("a connection without encryption ended: {error}");
        }
    }

    fn answer<B>(&self, request: &Request<B>, here: Option<SocketAddr>) -> Response<String> {
        let (status, text, location) = match self.target(request, here) {
            Ok(target) => (
                StatusCode::TEMPORARY_REDIRECT,
                "this server is encrypted: use https\n".to_owned(),
                HeaderValue::from_str(&target).ok(),
            ),
            Err(failure) => (failure.status, format!("{}\n", failure.message), None),
        };
        let mut response = Response::new(text);
        *response.status_mut() = status;
        let said = response.headers_mut();
        said.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        said.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        said.extend(location.map(|location| (header::LOCATION, location)));
        headers::on_one(said);
        response
    }

    fn target<B>(&self, request: &Request<B>, here: Option<SocketAddr>) -> Result<String, Failure> {
        let named = guard::own_name(request, &self.hosts)?;
        // `allow_hosts = "*"` lets any name pass, but nothing that only looks like one.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if !named.chars().all(is_plain) {
            return Err(Failure::bad("the `Host` header is no name"));
        }
        let here = here.map(|here| here.to_string()).unwrap_or_default();
        let named = if named.is_empty() { &here } else { named };
        let path = request.uri().path_and_query().map(|it| it.as_str());
        let path = path.filter(|path| path.starts_with('/')).unwrap_or("/");
        Ok(match self.port {
            None => format!("https://{named}{path}"),
            Some(443) => format!("https://{}{path}", host::without_port(named)),
            Some(port) => format!("https://{}:{port}{path}", host::without_port(named)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// The status, and where to.
    fn asked(elsewhere: &ToHttps, host: &str, path: &str) -> (u16, Option<String>) {
        let request = Request::builder().uri(path);
        let request = match host {
            "" => request,
            host => request.header("host", host),
        };
        let here = "192.168.1.7:5000".parse().ok();
        let answer = elsewhere.answer(&request.body(()).unwrap(), here);
        let location = answer.headers().get(header::LOCATION);
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        (answer.status().as_u16(), location)
    }

    #[test]
    fn who_comes_without_encryption_is_sent_to_the_same_place_with_it() {
        let hosts = ["cams.example.org".to_owned()];
        let same = ToHttps::same_port(&hosts);
        let other = ToHttps::port(5443, &hosts);
        let usual = ToHttps::port(443, &hosts);
        for (elsewhere, host, path, to) in [
            (&same, "octopi:5000", "/a?b=c", "https://octopi:5000/a?b=c"),
            (&same, "cams.example.org", "/", "https://cams.example.org/"),
            (&same, "", "/", "https://192.168.1.7:5000/"),
            (&other, "octopi", "/", "https://octopi:5443/"),
            (&other, "[::1]:80", "/x", "https://[::1]:5443/x"),
            (&other, "", "/", "https://192.168.1.7:5443/"),
            (&usual, "127.0.0.1:8080", "//x", "https://127.0.0.1//x"),
            (&usual, "octopi", "*", "https://octopi/"),
        ] {
            let (status, location) = asked(elsewhere, host, path);
            assert_eq!((status, location.as_deref()), (307, Some(to)));
        }
    }

    #[test]
    fn nobody_is_sent_to_a_name_that_is_not_the_servers_own() {
        let hosts = ["cams.example.org".to_owned()];
        for host in ["evil.example", "evil.example:80", "evil.example/.local"] {
            let (status, location) = asked(&ToHttps::port(443, &hosts), host, "/");
            assert_eq!((status, location), (421, None), "{host}");
        }
        let all = ToHttps::same_port(&["*".to_owned()]);
        let (status, location) = asked(&all, "a.example/@b.example", "/");
        assert_eq!((status, location), (400, None));
    }

    proptest! {
        #[test]
        fn the_way_leads_to_the_host_that_was_asked_or_nowhere(host in "[ -~]{1,20}", path in "/[!-~]{0,20}") {
            prop_assume!(Request::builder().uri(&path).body(()).is_ok());
            let (_, location) = asked(&ToHttps::port(5443, &["*".to_owned()]), &host, &path);
            if let Some(location) = location
                && let Ok(url) = Url::parse(&location)
            {
                let name = host::without_port(&host).to_ascii_lowercase();
                prop_assert_eq!(url.scheme(), "https");
                prop_assert_eq!(url.port(), Some(5443));
                prop_assert!(url.username().is_empty());
                let plain = Url::parse(&format!("https://{name}/")).ok();
                let plain = plain.as_ref().and_then(Url::host_str);
                prop_assert_eq!(url.host_str(), plain);
            }
        }
    }
}
