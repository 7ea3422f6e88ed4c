//! Which other hosts' pages may read a live picture, and not only show it (Fetch, section 3.2).

use warp::http::StatusCode;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW,
    HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use warp::reply::{Reply, Response};

/// Stands for every origin.
pub(crate) const ANY: &str = "*";

/// Chromium sends this before an internet page may call the local network (Private Network Access,
/// section 3.1).
const ASKS_FOR_PRIVATE: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The pages that may read, besides those of the called host on any port.
#[derive(Debug)]
pub(crate) struct Readers(Vec<String>);

impl Readers {
    /// `origins` are as browsers send them, or [`ANY`].
    pub fn new(origins: &[String]) -> Readers {
        Readers(origins.to_vec())
    }

    /// Says in the response whether the page may read it.
    pub fn tell(&self, request: &HeaderMap, response: &mut Response) {
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = self.reader(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let seen = HeaderValue::from_static("x-timestamp, retry-after");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, seen);
        }
    }

    /// The answer to OPTIONS, which a browser sends before a request that `<img>` could not make.
    pub fn preflight(&self, request: &HeaderMap) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let methods = HeaderValue::from_static("GET, HEAD, OPTIONS");
        response.headers_mut().insert(ALLOW, methods.clone());
        self.tell(request, &mut response);
        let headers = response.headers_mut();
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
            // None of these headers changes an answer here.
            if let Some(wanted) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
            if request.contains_key(ASKS_FOR_PRIVATE) {
                headers.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
            }
        }
        response
    }

    /// The origin of the requesting page, if it may read.
    fn reader<'a>(&self, request: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = request.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let is_listed = |good: &String| good == ANY || good.eq_ignore_ascii_case(text);
        let host = request.get(HOST).map(HeaderValue::as_bytes);
        let is_near = || host.is_some_and(|host| access::is_of_host(text, host));
        (self.0.iter().any(is_listed) || is_near()).then_some(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn told(readers: &Readers, host: &str, origin: &str) -> Option<String> {
        let mut response = warp::reply().into_response();
        readers.tell(&headers(&[(HOST, host), (ORIGIN, origin)]), &mut response);
        assert_eq!(response.headers()[VARY], "origin");
        let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN)?;
        Some(allowed.to_str().unwrap().to_owned())
    }

    #[test]
    fn pages_of_this_host_and_listed_ones_may_read() {
        let readers = Readers::new(&["https://fluidd.example".to_owned()]);
        for (host, origin) in [
            ("pi.local:8080", "http://pi.local"),
            ("PI.local:8080", "https://pi.local:7125"),
            ("127.0.0.1:8080", "http://localhost:3000"),
            ("[::1]:8080", "http://127.0.0.1:3000"),
            ("192.168.0.2:8080", "https://fluidd.example"),
        ] {
            assert_eq!(told(&readers, host, origin).as_deref(), Some(origin));
        }
        for (host, origin) in [
            ("pi.local:8080", "http://evil.example"),
            ("pi.local:8080", "http://pi.local.evil.example"),
            ("pi.local:8080", "http://fluidd.example"),
            ("pi.local:8080", "https://fluidd.example:8443"),
            ("127.0.0.1:8080", "http://evil.example"),
            ("192.168.0.2:8080", "http://192.168.0.3:8080"),
            ("pi.local:8080", "null"),
            ("pi.local:8080", "file://"),
            ("pi.local:8080", ""),
        ] {
            assert_eq!(told(&readers, host, origin), None, "{origin}");
        }
    }

    #[test]
    fn an_asterisk_is_every_page() {
        let readers = Readers::new(&[ANY.to_owned()]);
        for origin in ["http://anybody.example", "null"] {
            assert_eq!(told(&readers, "pi.local:8080", origin).as_deref(), Some(origin));
        }
    }

    #[test]
    fn a_browser_that_asks_first_is_told() {
        let readers = Readers::new(&["https://fluidd.example".to_owned()]);
        let ask = |origin| {
            readers.preflight(&headers(&[
                (HOST, "pi.local:8080"),
                (ORIGIN, origin),
                (ACCESS_CONTROL_REQUEST_HEADERS, "cache-control,x-api-key"),
                (ASKS_FOR_PRIVATE, "true"),
            ]))
        };
        let yes = ask("https://fluidd.example");
        assert_eq!(yes.status(), 204);
        assert_eq!(yes.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "https://fluidd.example");
        assert_eq!(yes.headers()[ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD, OPTIONS");
        assert_eq!(yes.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "cache-control,x-api-key");
        assert_eq!(yes.headers()[ALLOW_PRIVATE], "true");
        let no = ask("https://evil.example");
        assert_eq!(no.headers()[VARY], "origin");
        assert_eq!(
            no.headers().iter().filter(|(name, _)| name.as_str().contains("allow-")).count(),
            0
        );
    }
}
