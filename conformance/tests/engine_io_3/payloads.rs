//! Payloads of long-polling, as text and as bytes, in both directions.

use siomio_testkit::{http::Http, polling_v3};

use crate::{
    BYTES, TEXT, assert_echoes, assert_gone, echo, echo_with, open, open_with, post_bytes,
    status_and_text,
};

#[test]
fn lengths_count_as_javascript_does() {
    echo(|address| {
        let session = open(address);
        for payload in ["6:4hello2:4€", "3:4😀", "1:4", "13:4a\u{1e}b\0\r\n😀\u{2028}é:9"] {
            assert_eq!(status_and_text(&session.post(payload)), (200, "ok"));
            let response = session.get();
            assert_eq!(response.header("content-type"), TEXT);
            assert_eq!(status_and_text(&response), (200, payload));
        }
    });
}

#[test]
fn empty_packets_are_passed_over() {
    echo(|address| {
        let session = open(address);
        for payload in ["0:", "0:0:", "4:b9AA"] {
            assert_eq!(status_and_text(&session.post(payload)), (200, "ok"), "{payload}");
        }
        assert_eq!(status_and_text(&session.post("0:2:4a4:b9AA2:4b0:")), (200, "ok"));
        session.expect("2:4a2:4b");
        assert_echoes(&session);
    });
}

#[test]
fn what_came_before_an_error_is_delivered() {
    echo(|address| {
        for bad in
            ["", "1:x", "abc", ":4a", "3:4a", "7", "2:4😀", "-1:", "1e0:2", "1:7", "1:3", "0x1:2"]
        {
            let session = open(address);
            let get = (!bad.is_empty()).then(|| session.start_get());
            let good = if bad.is_empty() { "" } else { "2:4a" };
            assert_eq!(status_and_text(&session.post(format!("{good}{bad}"))), (200, "ok"));
            if let Some(mut get) = get {
                assert_eq!(status_and_text(&get.response()), (200, "2:4a1:1"));
            }
            assert_gone(&session);
        }
    });
}

#[test]
fn nothing_after_a_close_packet_counts() {
    echo(|address| {
        let session = open(address);
        let mut get = session.start_get();
        assert_eq!(status_and_text(&session.post("1:12:4a")), (200, "ok"));
        assert_eq!(status_and_text(&get.response()), (200, "1:6"));
        assert_gone(&session);
    });
}

#[test]
fn open_upgrade_and_noop_are_ignored() {
    echo(|address| {
        let session = open(address);
        polling_v3::send(&session, &["0", "5", "6", "4a"]);
        session.expect("2:4a");
    });
}

#[test]
fn bytes_are_read_and_answered_with_bytes_where_there_is_binary_data() {
    echo(|address| {
        let session = open(address);
        let payload = b"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04";
        assert_eq!(status_and_text(&post_bytes(&session, payload)), (200, "ok"));
        let response = session.get();
        assert_eq!((response.status, response.header("content-type")), (200, BYTES));
        assert_eq!(response.body, payload);
        // Without binary data text is enough.
        assert_eq!(post_bytes(&session, b"\x00\x04\xff4\xe2\x82\xac").status, 200);
        let response = session.get();
        assert_eq!(response.header("content-type"), TEXT);
        assert_eq!(status_and_text(&response), (200, "2:4€"));
    });
}

#[test]
fn clients_without_a_taste_for_bytes_may_still_send_them() {
    echo(|address| {
        let session = open_with(address, "&b64=1");
        assert_eq!(post_bytes(&session, b"\x01\x05\xff\x04\x01\x02\x03\x04").status, 200);
        let response = session.get();
        assert_eq!(response.header("content-type"), TEXT);
        assert_eq!(status_and_text(&response), (200, "10:b4AQIDBA=="));
    });
}

#[test]
fn the_opening_request_alone_says_what_the_client_takes() {
    echo(|address| {
        let session = open(address);
        let target = format!("{}&b64=1&j=3", session.target);
        assert_eq!(Http::connect(address).post(&target, "6:b4AQ==").status, 200);
        let response = Http::connect(address).get(&target);
        assert_eq!(
            (response.header("content-type"), &response.body[..]),
            (BYTES, &b"\x01\x02\xff\x04\x01"[..])
        );
    });
}

#[test]
fn bytes_of_no_known_type_and_no_bytes_are_no_errors() {
    echo(|address| {
        let session = open(address);
        for payload in [&b""[..], b"\x01\x03\xff\x09ab", b"\x01\x00\xff"] {
            assert_eq!(status_and_text(&post_bytes(&session, payload)), (200, "ok"));
        }
        assert_echoes(&session);
        // A binary ping is a ping.
        assert_eq!(post_bytes(&session, b"\x01\x01\xff\x02").status, 200);
        session.expect("1:3");
    });
}

#[test]
fn a_broken_length_among_bytes_spoils_the_whole_body() {
    let long = [&b"\x00"[..], &[0; 310], b"\x01\xff4"].concat();
    echo(|address| {
        for bad in
            [&b"\x00\xff4"[..], b"\x00\x09\xff4", b"\x00\x0a\xff4", b"\x02\x01\xff4", b"4a", &long]
        {
            let session = open(address);
            let mut get = session.start_get();
            let body = [b"\x00\x02\xff4a", bad].concat();
            assert_eq!(status_and_text(&post_bytes(&session, &body)), (200, "ok"));
            assert_eq!(status_and_text(&get.response()), (200, "1:1"));
            assert_gone(&session);
        }
    });
}

#[test]
fn broken_text_among_bytes_spares_what_came_before() {
    echo(|address| {
        for bad in
            [&b"\x00\x00\xff"[..], b"\x00\x01\xffx", b"\x00\x02\xff4\xff", b"\x00\x03\xff4\xc0\xaf"]
        {
            let session = open(address);
            let mut get = session.start_get();
            let body = [b"\x00\x02\xff4a", bad, b"\x00\x02\xff4b"].concat();
            assert_eq!(status_and_text(&post_bytes(&session, &body)), (200, "ok"));
            assert_eq!(status_and_text(&get.response()), (200, "2:4a1:1"));
            assert_gone(&session);
        }
    });
}

#[test]
fn halves_of_surrogate_pairs_are_replaced() {
    echo(|address| {
        let session = open(address);
        assert_eq!(post_bytes(&session, b"\x00\x05\xff4\xed\xa0\xbdx").status, 200);
        session.expect("3:4\u{fffd}x");
    });
}

#[test]
fn bombs_of_lengths_cost_nothing() {
    echo(|address| {
        let session = open(address);
        let bomb = [&[1][..], &[9; 310], b"\xff\x04"].concat();
        assert_eq!(post_bytes(&session, &bomb).status, 200);
        assert_gone(&session);
        let session = open(address);
        assert_eq!(session.post(format!("{}:4", "9".repeat(900_000))).status, 200);
        assert_gone(&session);
    });
}

#[test]
fn the_limit_holds_for_every_way_to_write() {
    echo_with(
        |builder| builder.max_payload(10),
        |address| {
            let session = open(address);
            assert_eq!(status_and_text(&session.post("9:412345678")), (413, ""));
            let payload = b"\x00\x08\xff41234567";
            assert_eq!(status_and_text(&post_bytes(&session, payload)), (413, ""));
            assert_eq!(session.post("8:41234567").status, 200);
            session.expect("8:41234567");
        },
    );
}
