//! Events, acknowledgements and binary data, alone and together with clients of today.

use siomio_testkit::{
    http::Http,
    polling::Polling,
    polling_v3,
    ws::{Got, Ws},
};

use crate::{Client, PATH, assert_echoes, joined_on_both, served};

/// Two placeholders, as they stand in packets.
const TWO: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

/// A client of today on a WebSocket, in the main namespace.
fn new_client(address: std::net::SocketAddr) -> Ws {
    let mut ws = Ws::connect(address, &format!("{PATH}?EIO=4&transport=websocket"));
    assert!(ws.text().starts_with("0{"));
    ws.send("40");
    assert!(ws.text().starts_with("40{\"sid\":"));
    assert_eq!(ws.text(), "42[\"auth\",{}]");
    ws
}

#[test]
fn events_and_acknowledgements_are_those_of_today() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["42[\"message\",1,\"2\",{\"3\":[true]},\"é😀\"]"]);
            client.expect(&["42[\"message-back\",1,\"2\",{\"3\":[true]},\"é😀\"]"]);
            client.send(&["42456[\"message-with-ack\",1,\"2\",{\"3\":[false]}]"]);
            client.expect(&["43456[1,\"2\",{\"3\":[false]}]"]);
        });
    });
}

#[test]
fn binary_data_travels_both_ways() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&[&format!("452-[\"message\",{TWO}]"), "b4AQID", "b4BAUG"]);
            client.expect(&[&format!("452-[\"message-back\",{TWO}]"), "b4AQID", "b4BAUG"]);
            client.send(&[&format!("452-789[\"message-with-ack\",{TWO}]"), "b4AQID", "b4BAUG"]);
            client.expect(&[&format!("462-789[{TWO}]"), "b4AQID", "b4BAUG"]);
            assert_echoes(&mut client);
        });
    });
}

#[test]
fn binary_data_is_bytes_for_who_takes_bytes() {
    served(|address| {
        let (session, _) = polling_v3::open(address, PATH, "");
        let text = "451-[\"message\",{\"_placeholder\":true,\"num\":0}]";
        let mut http = Http::connect(address);
        let head = |text: &str| {
            let digits =
                text.len().to_string().bytes().map(|digit| digit - b'0').collect::<Vec<_>>();
            [&[0], &digits[..], &[0xff], text.as_bytes()].concat()
        };
        let body = [&head(text)[..], b"\x01\x04\xff\x04\x01\x02\x03"].concat();
        let headers = [("Content-Type", "application/octet-stream")];
        http.request("POST", &session.target, &headers, &body);
        assert_eq!(http.response().status, 200);
        let back = head("451-[\"message-back\",{\"_placeholder\":true,\"num\":0}]");
        let response = session.get();
        assert_eq!(response.header("content-type"), Some("application/octet-stream"));
        assert_eq!(response.body, [&back[..], b"\x01\x04\xff\x04\x01\x02\x03"].concat());
    });
}

#[test]
fn broadcasts_reach_clients_of_either_revision_in_their_own_form() {
    served(|address| {
        let (mut old_polling, mut old_ws) = (Client::polling(address), Client::websocket(address));
        for client in [&mut old_polling, &mut old_ws] {
            client.expect(&["40", "42[\"auth\",{}]"]);
        }
        let mut old_b64 = Ws::connect(address, &format!("{PATH}?EIO=3&transport=websocket&b64=1"));
        for _ in 0..3 {
            old_b64.text();
        }
        let mut new_ws = new_client(address);
        let new_polling = Polling::open(address, PATH);
        new_polling.send(&["40"]);
        new_polling.receive();

        new_ws.send("42[\"broadcast\",\"é\"]");
        let text = "42[\"broadcast-back\",\"é\"]";
        old_polling.expect(&[text]);
        old_ws.expect(&[text]);
        assert_eq!((&*old_b64.text(), &*new_ws.text()), (text, text));
        new_polling.expect(text);

        old_ws.send(&[&format!("452-[\"broadcast\",{TWO}]"), "b4AQID", "b4BAUG"]);
        let text = format!("452-[\"broadcast-back\",{TWO}]");
        old_polling.expect(&[&text, "b4AQID", "b4BAUG"]);
        old_ws.expect(&[&text, "b4AQID", "b4BAUG"]);
        for expected in [&text, "b4AQID", "b4BAUG"] {
            assert_eq!(old_b64.text(), *expected);
        }
        assert_eq!(new_ws.text(), text);
        assert_eq!(new_ws.next(), Got::Binary(vec![1, 2, 3]));
        assert_eq!(new_ws.next(), Got::Binary(vec![4, 5, 6]));
        new_polling.expect(&format!("{text}\u{1e}bAQID\u{1e}bBAUG"));
    });
}

#[test]
fn who_is_disconnected_is_told_as_today() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["40/custom"]);
            client.expect(&["40/custom,", "42/custom,[\"auth\",{}]"]);
            client.send(&["42/custom,[\"bye\"]"]);
            client.expect(&["41/custom,"]);
            assert_echoes(&mut client);
            client.send(&["42[\"bye-all\"]"]);
            client.expect(&["41"]);
            client.expect_close();
        });
    });
}

#[test]
fn who_leaves_the_main_namespace_stays_in_the_others() {
    served(|address| {
        joined_on_both(address, |mut client| {
            client.send(&["40/custom"]);
            client.expect(&["40/custom,", "42/custom,[\"auth\",{}]"]);
            client.send(&["41"]);
            client.send(&["42/custom,[\"message\",1]"]);
            client.expect(&["42/custom,[\"message-back\",1]"]);
        });
    });
}

#[test]
fn messages_keep_their_order_across_an_upgrade() {
    served(|address| {
        let (session, packets) = polling_v3::open(address, PATH, "");
        assert_eq!(packets.len(), 2);
        let mut ws = session.probe();
        session.expect("1:6");
        let event = |number: u8| {
            let text = format!("451-[\"message\",{number},{{\"_placeholder\":true,\"num\":0}}]");
            (text, format!("b4{}", ["AA==", "AQ=="][usize::from(number)]))
        };
        let (text, data) = event(0);
        polling_v3::send(&session, &[&text, &data]);
        ws.send("5");
        let (text, _) = event(1);
        ws.send(&text);
        ws.send_binary(&[4, 1]);
        for number in 0..2 {
            let (text, _) = event(number);
            assert_eq!(ws.text(), text.replace("message", "message-back"));
            assert_eq!(ws.next(), Got::Binary(vec![4, number]));
        }
    });
}

#[test]
fn what_is_no_packet_ends_the_connection() {
    served(|address| {
        for packet in ["4abc", "42{}", "44/x,\"no\"", "42/nobody,[\"a\"]", "b4AQID"] {
            joined_on_both(address, |mut client| {
                client.send(&[packet]);
                client.expect_close();
            });
        }
    });
}
