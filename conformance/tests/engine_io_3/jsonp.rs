//! Polling with script elements.

use std::net::SocketAddr;

use siomio_testkit::{
    http::{Http, Response},
    polling::{Polling, handshake},
    polling_v3,
};

use crate::{POLLING, TEXT, assert_gone, echo, post_bytes, status_and_text};

/// Opens a session with this `j`; the function of this number must be called.
fn open(address: SocketAddr, j: &str, index: &str) -> Polling {
    let response = Http::connect(address).get(&format!("{POLLING}&b64=1&j={j}"));
    assert_eq!((response.status, response.header("content-type")), (200, TEXT));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let payload = called(&response, index);
    let sid =
        handshake(&polling_v3::packets(&payload)[0])["sid"].as_str().expect("an id").to_owned();
    Polling { address, target: format!("{POLLING}&sid={sid}"), sid }
}

/// What the script hands to the function of this number.
fn called(response: &Response, index: &str) -> String {
    let script = response.text().strip_prefix(&format!("___eio[{index}]("));
    let argument = script.and_then(|script| script.strip_suffix(");"));
    serde_json::from_str(argument.unwrap_or_else(|| panic!("{response:?}"))).expect("a string")
}

fn send(session: &Polling, form: &str) {
    let mut http = Http::connect(session.address);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    http.request("POST", &session.target, &headers, form.as_bytes());
    assert_eq!(status_and_text(&http.response()), (200, "ok"));
}

#[test]
fn the_first_request_says_which_function_is_called() {
    echo(|address| {
        for (j, index) in [("0", "0"), ("a1b2", "12"), ("", ""), ("1);alert(2", "12")] {
            let mut session = open(address, j, index);
            session.target.push_str("&j=7");
            send(&session, "d=6%3A4hello");
            session.expect(&format!("___eio[{index}](\"6:4hello\");"));
        }
    });
}

#[test]
fn scripts_are_escaped_as_javascript_wants_it() {
    echo(|address| {
        let session = open(address, "3", "3");
        send(
            &session,
            "d=16%3A4%22%5C%2F%0D%09%08%0C%01%1F%7F%C3%A9%F0%9F%98%80%E2%80%A8%E2%80%A9",
        );
        session.expect(
            "___eio[3](\"16:4\\\"\\\\/\\r\\t\\b\\f\\u0001\\u001f\u{7f}é😀\\u2028\\u2029\");",
        );
    });
}

#[test]
fn line_breaks_come_as_two_characters() {
    echo(|address| {
        let session = open(address, "3", "3");
        send(&session, r"d=7%3A4a\nb\\nc");
        assert_eq!(called(&session.get(), "3"), "7:4a\nb\\nc");
    });
}

#[test]
fn binary_data_is_base64_whatever_the_client_says() {
    echo(|address| {
        for more in ["", "&b64=1"] {
            let response = Http::connect(address).get(&format!("{POLLING}&j=1{more}"));
            let packets = polling_v3::packets(&called(&response, "1"));
            let sid = handshake(&packets[0])["sid"].as_str().expect("an id").to_owned();
            let session = Polling { address, target: format!("{POLLING}&sid={sid}"), sid };
            send(&session, "d=6:b4AQ%3D%3D");
            session.expect("___eio[1](\"6:b4AQ==\");");
        }
    });
}

#[test]
fn a_form_without_its_field_or_with_two_is_ignored() {
    echo(|address| {
        let session = open(address, "3", "3");
        for form in ["", "e=2:4a", "d=2:4a&d=2:4b", "2:4a"] {
            send(&session, form);
        }
        send(&session, "x=1&d=2:4a&y=2");
        session.expect("___eio[3](\"2:4a\");");
    });
}

#[test]
fn a_form_that_holds_no_payload_ends_the_session() {
    echo(|address| {
        for form in ["d=", "d=abc", "d=9:4a"] {
            let session = open(address, "3", "3");
            let mut get = session.start_get();
            send(&session, form);
            assert_eq!(status_and_text(&get.response()), (200, "___eio[3](\"1:1\");"));
            assert_gone(&session);
        }
    });
}

#[test]
fn noop_and_close_are_scripts_too() {
    echo(|address| {
        let session = open(address, "3", "3");
        let mut get = session.start_get();
        send(&session, "d=1:1");
        assert_eq!(status_and_text(&get.response()), (200, "___eio[3](\"1:6\");"));

        let session = open(address, "3", "3");
        let mut ws = session.probe();
        session.expect("___eio[3](\"1:6\");");
        ws.send("5");
        ws.send("4a");
        assert_eq!(ws.text(), "4a");
    });
}

#[test]
fn forms_of_bytes_are_forms() {
    echo(|address| {
        let session = open(address, "3", "3");
        assert_eq!(status_and_text(&post_bytes(&session, b"d=2:4a")), (200, "ok"));
        session.expect("___eio[3](\"2:4a\");");
    });
}

#[test]
fn sessions_of_revision_4_know_nothing_of_scripts() {
    echo(|address| {
        let target = POLLING.replace("EIO=3", "EIO=4&j=3");
        let response = Http::connect(address).get(&target);
        let sid = handshake(response.text())["sid"].as_str().expect("an id").to_owned();
        let session = Polling { address, target: format!("{target}&sid={sid}"), sid };
        session.send(&["4a"]);
        session.expect("4a");
    });
}
