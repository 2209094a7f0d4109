//! Who may come, and that nobody changes over.

use siomio_conformance::eio_echo;
use siomio_testkit::{http::Http, polling::Polling, ws::Ws};

use crate::{POLLING, WEBSOCKET, assert_echoes, common, echo, open, open_ws, status_and_text};

const BAD_REQUEST: &str = r#"{"code":3,"message":"Bad request"}"#;
const UNSUPPORTED: &str = r#"{"code":5,"message":"Unsupported protocol version"}"#;

#[test]
fn nobody_comes_in_unless_it_is_allowed() {
    common::for_shards(
        |builder| eio_echo::server(builder).bind("127.0.0.1:0"),
        |address| {
            for target in [POLLING, "/engine.io/?transport=polling&j=1"] {
                let response = Http::connect(address).get(target);
                assert_eq!(status_and_text(&response), (400, UNSUPPORTED));
            }
            let refused = Ws::try_connect(address, WEBSOCKET).expect_err("it is not allowed");
            assert_eq!(status_and_text(&refused), (400, "Unsupported protocol version"));
        },
    );
}

#[test]
fn whatever_is_not_4_is_3() {
    echo(|address| {
        for eio in ["", "EIO=3&", "EIO=&", "EIO=abc&", "EIO=04&", "EIO=5&", "EIO=4&EIO=2&"] {
            let target = format!("/engine.io/?{eio}transport=polling");
            let response = Http::connect(address).get(&target);
            assert_eq!(response.status, 200, "{eio}");
            assert!(response.text().contains(":0{\"sid\":"), "{eio}");
        }
    });
}

#[test]
fn other_mistakes_come_first() {
    echo(|address| {
        for (method, query, body) in [
            ("GET", "EIO=3&transport=abc", r#"{"code":0,"message":"Transport unknown"}"#),
            ("POST", "EIO=3&transport=polling", r#"{"code":2,"message":"Bad handshake method"}"#),
            ("GET", "EIO=3&transport=websocket", BAD_REQUEST),
        ] {
            let mut http = Http::connect(address);
            http.request(method, &format!("/engine.io/?{query}"), &[], b"");
            assert_eq!(status_and_text(&http.response()), (400, body));
        }
    });
}

#[test]
fn a_session_stays_with_its_revision() {
    echo(|address| {
        let old = open(address);
        let new = Polling::open(address, crate::PATH);
        for (session, from, to) in [(&old, "EIO=3", "EIO=4"), (&new, "EIO=4", "EIO=3")] {
            let target = session.target.replace(from, to);
            for method in ["GET", "POST"] {
                let mut http = Http::connect(address);
                http.request(method, &target, &[], b"");
                assert_eq!(status_and_text(&http.response()), (400, BAD_REQUEST));
            }
            let upgrade = session.upgrade_target().replace(from, to);
            assert!(Ws::try_connect(address, &upgrade).is_err());
        }
        assert_echoes(&old);
        new.send(&["4still there"]);
        new.expect("4still there");
    });
}

#[test]
fn clients_of_both_revisions_are_served_side_by_side() {
    echo(|address| {
        let mut old = open_ws(address);
        let mut new = Ws::connect(address, &WEBSOCKET.replace("EIO=3", "EIO=4"));
        assert!(new.text().starts_with("0{"));
        old.send_binary(&[4, 1]);
        new.send_binary(&[4, 1]);
        assert_eq!(old.next(), new.next());
        new.send("2");
        new.expect_close(None);
        old.send("2");
        assert_eq!(old.text(), "3");
    });
}
