//! The cookie of a login (RFC 6265).
//!
//! Over TLS its name begins with `__Host-`: a browser then takes it from this very host over TLS
//! alone, so no page without TLS, no other port and no other name can put another in its place.
//! Without TLS a browser would refuse such a name, so there it has another. Cookies know no ports:
//! what other programs of this host set comes here as well.

use access::Token;
use warp::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use warp::reply::Response;

const SECURE: &str = "__Host-vitrina";
const PLAIN: &str = "vitrina";

/// How long a browser keeps it after it was last set, in seconds: 90 days, as the session.
const LIFE: u64 = 90 * 24 * 60 * 60;

/// The most cookies of this name that are looked at: other paths and programs may have set some.
const MOST: usize = 4;

/// What a browser sent as its tokens: those of the scheme that it came by, and no other.
pub(crate) fn tokens(headers: &HeaderMap, is_secure: bool) -> Vec<String> {
    let texts = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    let ours = pairs.filter(|(name, _)| name.trim() == name_of(is_secure));
    ours.map(|(_, token)| token.trim().to_owned()).take(MOST).collect()
}

/// Has the browser keep a token.
pub(crate) fn set(response: &mut Response, is_secure: bool, token: &str) {
    put(response, is_secure, token, LIFE);
}

/// Has the browser keep this new token.
pub(crate) fn begin(response: &mut Response, is_secure: bool, token: &Token) {
    set(response, is_secure, &token.text());
}

/// Has the browser forget its token.
pub(crate) fn clear(response: &mut Response, is_secure: bool) {
    put(response, is_secure, "", 0);
}

fn put(response: &mut Response, is_secure: bool, value: &str, life: u64) {
    let secure = if is_secure { "; Secure" } else { "" };
    let name = name_of(is_secure);
    let cookie = format!("{name}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn name_of(is_secure: bool) -> &'static str {
    if is_secure { SECURE } else { PLAIN }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(cookies: &[&str], is_secure: bool) -> Vec<String> {
        let headers = cookies.iter().map(|text| (COOKIE, HeaderValue::from_str(text).unwrap()));
        tokens(&headers.collect(), is_secure)
    }

    #[test]
    fn the_cookie_of_the_scheme_is_read_among_others() {
        let all = "a=1; vitrina=plain; __Host-vitrina=secure; xvitrina=no; vitrina2=no";
        assert_eq!(read(&[all], false), ["plain"]);
        assert_eq!(read(&[all], true), ["secure"]);
        assert_eq!(read(&["vitrina=one", "b=2;vitrina=two"], false), ["one", "two"]);
        assert_eq!(read(&["vitrina = one "], false), ["one"]);
        for none in ["", ";", "vitrina", "Vitrina=a", "=a", "__host-vitrina=a"] {
            assert!(read(&[none], false).is_empty() && read(&[none], true).is_empty(), "{none}");
        }
        assert_eq!(read(&["vitrina=a;".repeat(1000).as_str()], false).len(), MOST);
    }

    #[test]
    fn no_page_reads_it_and_no_other_site_sends_it() {
        for (is_secure, expected) in [
            (false, "vitrina=T; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax"),
            (true, "__Host-vitrina=T; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax; Secure"),
        ] {
            let mut response = Response::default();
            set(&mut response, is_secure, "T");
            assert_eq!(response.headers()[SET_COOKIE], expected);
            let mut response = Response::default();
            clear(&mut response, is_secure);
            assert!(
                response.headers()[SET_COOKIE].to_str().unwrap().contains("=; Path=/; Max-Age=0;")
            );
        }
    }

    proptest! {
        #[test]
        fn no_cookie_is_too_odd(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let headers: HeaderMap = [(COOKIE, value)].into_iter().collect();
                prop_assert!(tokens(&headers, true).len() <= MOST);
            }
        }
    }
}
