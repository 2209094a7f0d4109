//! Requests from pages of other origins.

use std::net::SocketAddr;

use siomio::Cors;
use siomio_testkit::{
    http::{Http, Response},
    polling::Polling,
};

use crate::{PATH, POLLING, UPGRADE, WEBSOCKET, echo, echo_with, open, status_and_text};

const ORIGIN: (&str, &str) = ("Origin", "https://example.com");

/// Responses of every kind to requests with this header: a handshake, a GET, a POST and a refusal.
fn responses(address: SocketAddr, header: (&str, &str)) -> Vec<Response> {
    let session = Polling::open(address, PATH);
    let mut http = Http::connect(address);
    let ask = |(method, target, body): (&str, &str, &str)| {
        http.request(method, target, &[header], body.as_bytes());
        http.response()
    };
    let asked = [
        ("GET", POLLING, ""),
        ("POST", &session.target, "4x"),
        ("GET", &session.target, ""),
        ("GET", "/engine.io/?EIO=4", ""),
    ];
    let responses: Vec<_> = asked.into_iter().map(ask).collect();
    let statuses: Vec<_> = responses.iter().map(|response| response.status).collect();
    assert_eq!(statuses, [200, 200, 200, 400]);
    responses
}

fn upgrade(address: SocketAddr, target: &str) -> Response {
    let mut http = Http::connect(address);
    let mut headers = UPGRADE.to_vec();
    headers.push(ORIGIN);
    http.request("GET", target, &headers, b"");
    http.response()
}

fn preflight(address: SocketAddr, target: &str, wanted: Option<&str>) -> Response {
    let mut headers = vec![ORIGIN, ("Access-Control-Request-Method", "POST")];
    headers.extend(wanted.map(|wanted| ("Access-Control-Request-Headers", wanted)));
    let mut http = Http::connect(address);
    http.request("OPTIONS", target, &headers, b"");
    http.response()
}

/// The elements of all Vary headers.
fn vary(response: &Response) -> Vec<&str> {
    let lines = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("vary"));
    let mut all: Vec<_> = lines.flat_map(|(_, value)| value.split(',').map(str::trim)).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_star_is_on_every_response_with_or_without_an_origin() {
    echo(|address| {
        for header in [ORIGIN, ("X-None", "")] {
            for response in responses(address, header) {
                assert_eq!(response.header("access-control-allow-origin"), Some("*"));
                assert_eq!(response.header("access-control-allow-credentials"), None);
                assert!(vary(&response).is_empty());
            }
        }
        let response = upgrade(address, WEBSOCKET);
        assert_eq!(response.status, 101);
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    });
}

#[test]
fn reflecting_names_the_origin_and_allows_credentials() {
    echo_with(
        |builder| builder.cors(Cors::reflect().credentials(true)),
        |address| {
            let mut all = responses(address, ORIGIN);
            all.push(upgrade(address, WEBSOCKET));
            for response in all {
                assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN.1));
                assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
                assert_eq!(vary(&response), ["Origin"]);
            }
            for response in responses(address, ("X-None", "")) {
                assert_eq!(response.header("access-control-allow-origin"), None);
                assert_eq!(vary(&response), ["Origin"]);
            }
        },
    );
}

#[test]
fn without_it_no_response_says_anything_and_a_preflight_is_a_bad_method() {
    echo_with(
        |builder| builder.cors(None),
        |address| {
            let mut all = responses(address, ORIGIN);
            all.push(upgrade(address, WEBSOCKET));
            for response in all {
                assert_eq!(response.header("access-control-allow-origin"), None);
                assert!(vary(&response).is_empty());
            }
            let response = preflight(address, POLLING, None);
            let body = r#"{"code":2,"message":"Bad handshake method"}"#;
            assert_eq!(status_and_text(&response), (400, body));
        },
    );
}

#[test]
fn a_preflight_is_answered_before_anything_is_checked() {
    echo(|address| {
        let session = open(address);
        for target in [POLLING, &session.target, PATH, "/engine.io/?EIO=3&sid=x"] {
            let response = preflight(address, target, Some("X-One, X-Two"));
            assert_eq!(status_and_text(&response), (204, ""), "{target}");
            assert_eq!(response.header("content-length"), Some("0"));
            assert_eq!(
                response.header("access-control-allow-methods"),
                Some("GET,HEAD,PUT,PATCH,POST,DELETE")
            );
            assert_eq!(response.header("access-control-allow-headers"), Some("X-One, X-Two"));
            assert_eq!(response.header("access-control-allow-origin"), Some("*"));
            assert_eq!(vary(&response), ["Access-Control-Request-Headers"]);
        }
        let response = preflight(address, POLLING, None);
        assert_eq!(response.header("access-control-allow-headers"), None);
        crate::assert_echoes(&session);
    });
}

#[test]
fn a_preflight_may_reflect_too() {
    echo_with(
        |builder| builder.cors(Cors::reflect().credentials(true)),
        |address| {
            let response = preflight(address, POLLING, Some("content-type"));
            assert_eq!(response.status, 204);
            assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN.1));
            assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
            assert_eq!(response.header("access-control-allow-headers"), Some("content-type"));
            assert_eq!(vary(&response), ["Access-Control-Request-Headers", "Origin"]);
        },
    );
}

#[test]
fn a_refused_upgrade_has_no_headers_of_the_kind() {
    for cors in [Cors::any(), Cors::reflect().credentials(true)] {
        echo_with(
            move |builder| builder.cors(cors.clone()),
            |address| {
                let response = upgrade(address, "/engine.io/?EIO=4&transport=abc");
                assert_eq!(response.status, 400);
                assert_eq!(response.header("access-control-allow-origin"), None);
            },
        );
    }
}

/// The headers of a response that have to do with other origins, in order, and its Vary headers.
fn cross_origin(response: &Response) -> Vec<String> {
    let is_one = |name: &str| {
        name.to_ascii_lowercase().starts_with("access-control-")
            || name.eq_ignore_ascii_case("vary")
    };
    let lines = response.headers.iter().filter(|(name, _)| is_one(name));
    lines.map(|(name, value)| format!("{name}: {value}")).collect()
}

#[test]
fn each_form_of_origin_says_what_it_should() {
    const ALLOWED: &str = "Access-Control-Allow-Origin: https://example.com";
    let is_ours = |origin: &str| origin.ends_with("example.com");
    for (cors, asking, expected) in [
        (Cors::any(), Some("https://example.com"), vec!["Access-Control-Allow-Origin: *"]),
        (Cors::any(), None, vec!["Access-Control-Allow-Origin: *"]),
        (
            Cors::origin("https://example.com"),
            Some("https://evil.com"),
            vec![ALLOWED, "Vary: Origin"],
        ),
        (Cors::origin("https://example.com"), None, vec![ALLOWED, "Vary: Origin"]),
        (Cors::reflect(), Some("https://example.com"), vec![ALLOWED, "Vary: Origin"]),
        (Cors::reflect(), None, vec!["Vary: Origin"]),
        (
            Cors::origins(["https://a.com", "https://example.com"]),
            Some("https://example.com"),
            vec![ALLOWED, "Vary: Origin"],
        ),
        (
            Cors::origins(["https://a.com", "https://example.com"]),
            Some("https://evil.com"),
            vec!["Vary: Origin"],
        ),
        (Cors::matching(is_ours), Some("https://example.com"), vec![ALLOWED, "Vary: Origin"]),
        (Cors::matching(is_ours), Some("https://evil.com"), vec!["Vary: Origin"]),
        (Cors::matching(|_| panic!("on purpose")), Some("https://evil.com"), vec![]),
    ] {
        echo_with(
            |builder| builder.cors(cors.clone()),
            |address| {
                let headers: Vec<_> = asking.map(|origin| ("Origin", origin)).into_iter().collect();
                for (target, status) in [(POLLING, 200), (PATH, 400)] {
                    let mut http = Http::connect(address);
                    http.request("GET", target, &headers, b"");
                    let response = http.response();
                    assert_eq!(response.status, status, "a bad origin is served like any other");
                    assert_eq!(cross_origin(&response), expected, "{cors:?} {asking:?}");
                }
            },
        );
    }
}

#[test]
fn a_preflight_is_told_everything_in_order() {
    let cors = || {
        Cors::origin("https://example.com")
            .credentials(true)
            .methods(["GET", "POST"])
            .allowed_headers(["X-One"])
            .exposed_headers(["X-Two", "X-Three"])
            .max_age(std::time::Duration::from_millis(600_900))
            .success_status(200)
    };
    echo_with(
        |builder| builder.cors(cors()),
        |address| {
            let response = preflight(address, POLLING, Some("X-Wanted"));
            assert_eq!(status_and_text(&response), (200, ""));
            assert_eq!(
                cross_origin(&response),
                [
                    "Access-Control-Allow-Origin: https://example.com",
                    "Vary: Origin",
                    "Access-Control-Allow-Credentials: true",
                    "Access-Control-Allow-Methods: GET,POST",
                    "Access-Control-Allow-Headers: X-One",
                    "Access-Control-Max-Age: 600",
                    "Access-Control-Expose-Headers: X-Two,X-Three",
                ]
            );
            let response = Http::connect(address).get(POLLING);
            assert_eq!(
                cross_origin(&response),
                [
                    "Access-Control-Allow-Origin: https://example.com",
                    "Vary: Origin",
                    "Access-Control-Allow-Credentials: true",
                    "Access-Control-Expose-Headers: X-Two,X-Three",
                ]
            );
        },
    );
}
