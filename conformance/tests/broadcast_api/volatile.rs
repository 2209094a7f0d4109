//! Events that are sent at once or never.

use siomio::{Binary, Dropped, Sent, Server, Socket};
use siomio_testkit::ws::Ws;

use crate::{Guest, Site, common::Client, served, served_with, wait_until};

const DROPPED: Sent = Sent::Dropped(Dropped::Volatile);
const PLACE: &str = r#"{"_placeholder":true,"num":0}"#;

/// A socket that sends what it is told to, in one turn: `n` for a normal event, `v` for a volatile one, `b` for one with an
/// attachment, `h` and `r` for volatile ones by its handle and its room; and tells with an acknowledgement what became of them.
fn sending(server: &Server) {
    server.on("send", |socket: &Socket, what: String, ack: siomio::Ack| {
        let results = what.chars().enumerate().map(|(n, kind)| match kind {
            'n' => socket.emit("n", n),
            'v' => socket.volatile().emit("v", n),
            'b' => socket.volatile().emit("b", (n, Binary::from(vec![1, 2, 3]))),
            'h' => socket.handle().emit_volatile("h", n),
            _ => socket.io().to(socket.id()).volatile().emit("r", n),
        });
        let results: String = results.map(|sent| if sent == DROPPED { '-' } else { '+' }).collect();
        ack.send(results);
    });
}

/// Lets a guest that waits for messages send, and returns what became of it and what arrived.
fn send(guest: &mut Guest, what: &str) -> (String, Vec<String>) {
    let packet = format!("420[\"send\",\"{what}\"]");
    let mut heard = match &mut guest.client {
        Client::WebSocket { .. } => {
            guest.client.send(&[&packet]);
            Vec::new()
        }
        Client::Polling { session, .. } => {
            // A GET waits before the POST is sent, and is seen to: two connections could overtake each other.
            let mut get = session.start_get();
            assert!(get.is_quiet_for(std::time::Duration::from_millis(30)));
            session.send(&[&packet]);
            get.response().text().split('\u{1e}').map(str::to_owned).collect()
        }
    };
    let is_ack = |packet: &String| packet.starts_with("430[");
    while !heard.iter().any(is_ack) {
        heard.push(guest.client.next());
    }
    let ack = heard.pop().unwrap();
    (ack[5..ack.len() - 2].to_owned(), heard)
}

fn on_both(test: impl Fn(&Site, &mut Guest)) {
    served(sending, |site| {
        for mut guest in site.guests(2) {
            test(site, &mut guest);
        }
    });
}

#[test]
fn on_an_idle_connection_it_is_sent() {
    on_both(|_, guest| {
        for kind in ["v", "h", "r"] {
            assert_eq!(send(guest, kind), ("+".to_owned(), vec![format!("42[\"{kind}\",0]")]));
        }
    });
}

#[test]
fn right_behind_another_event_it_is_dropped() {
    on_both(|_, guest| {
        for (kind, became) in [("v", "+-"), ("h", "+-"), ("r", "++")] {
            // A broadcast does not tell.
            let (own, heard) = send(guest, &format!("n{kind}"));
            assert_eq!((&*own, &*heard), (became, &["42[\"n\",0]".to_owned()][..]));
        }
    });
}

#[test]
fn of_two_in_a_row_only_the_first_is_sent() {
    on_both(|_, guest| {
        assert_eq!(send(guest, "vv"), ("+-".to_owned(), vec!["42[\"v\",0]".to_owned()]));
        assert_eq!(
            send(guest, "vnv"),
            ("++-".to_owned(), ["42[\"v\",0]", "42[\"n\",1]"].map(str::to_owned).into())
        );
        assert_eq!(send(guest, "rr"), ("++".to_owned(), vec!["42[\"r\",0]".to_owned()]));
        // And when that has left, the next one is.
        assert_eq!(send(guest, "v"), ("+".to_owned(), vec!["42[\"v\",0]".to_owned()]));
    });
}

#[test]
fn it_is_decided_once_for_a_packet_and_all_of_its_attachments() {
    on_both(|_, guest| {
        let whole = [format!("451-[\"b\",0,{PLACE}]"), "bAQID".to_owned()];
        assert_eq!(send(guest, "b"), ("+".to_owned(), whole.to_vec()));
        assert_eq!(send(guest, "bb"), ("+-".to_owned(), whole.to_vec()));
        assert_eq!(send(guest, "nb"), ("+-".to_owned(), vec!["42[\"n\",0]".to_owned()]));
    });
}

#[test]
fn while_no_get_waits_it_is_dropped() {
    served(sending, |site| {
        let mut guest = site.polling_guest();
        guest.client.send(&["420[\"send\",\"vr\"]"]);
        guest.client.expect(&["430[\"-+\"]"]);
        site.io.volatile().emit("never", ());
        site.io.to(&*guest.id).volatile().emit("never", ());
        // All shards have seen it before the next GET comes.
        assert_eq!(site.io.fetch_sockets().wait().unwrap().len(), 1);
        assert_eq!(site.who_heard("", &mut [guest]), [0; 0]);
    });
}

#[test]
fn each_recipient_of_a_broadcast_is_looked_at_by_itself() {
    let handlers = |server: &Server| {
        server.on("send", |socket: &Socket| {
            // To some of them, then to all.
            socket.io().to("busy").emit("n", ());
            socket.io().volatile().emit("v", ());
            socket.io().emit("mark", ());
        });
    };
    served_with(
        |builder| builder,
        handlers,
        |site| {
            let mut guests: Vec<_> = (0..6).map(|_| site.guest()).collect();
            site.io.to(&*guests[0].id).to(&*guests[1].id).sockets_join("busy");
            assert_eq!(site.who_heard("", &mut guests), [0; 0]);
            guests[5].ask("[\"send\"]");
            for (place, guest) in guests.iter_mut().enumerate() {
                let heard = guest.until("42[\"mark\"]");
                let expected = if place < 2 { "42[\"n\"]" } else { "42[\"v\"]" };
                assert_eq!(heard, [expected], "at place {place}");
            }
        },
    );
}

#[test]
fn a_client_that_does_not_read_gets_nothing_that_is_volatile() {
    served(
        |server| {
            server.on("mine", |socket: &Socket, ack: siomio::Ack| {
                ack.send(socket.buffered() > 0);
            });
        },
        |site| {
            let mut deaf = site.guest();
            let Client::WebSocket { ws, .. } = &mut deaf.client else { unreachable!() };
            let large = "x".repeat(100_000);
            let sockets = site.io.sockets();
            assert_eq!(sockets.len(), 1);
            // Until the buffers of the system are full.
            let mut sent = 0;
            let (tell, told) = std::sync::mpsc::channel();
            loop {
                sent += 1;
                site.io.to(&sockets[0]).emit("large", &large);
                let tell = tell.clone();
                site.io.fetch_sockets().on_reply(move |_| tell.send(()).unwrap());
                told.recv_timeout(siomio_testkit::PATIENCE).unwrap();
                let before = sent;
                site.io.to(&sockets[0]).volatile().emit("v", before);
                if sent == 120 {
                    break;
                }
            }
            site.io.to(&sockets[0]).emit("mark", ());
            let (mut volatile, mut normal) = (Vec::new(), 0);
            read_until_mark(ws, |text| match text.strip_prefix("42[\"v\",") {
                Some(number) => volatile.push(number.to_owned()),
                None => normal += 1,
            });
            assert_eq!(normal, 120, "what is not volatile is all there");
            assert!(volatile.len() < 119, "some are dropped: {}", volatile.len());
            wait_until("nothing waits any more", || {
                deaf.client.send(&["420[\"mine\"]"]);
                deaf.client.next() == "430[false]"
            });
        },
    );
}

fn read_until_mark(ws: &mut Ws, mut see: impl FnMut(&str)) {
    loop {
        match &*ws.text() {
            "42[\"mark\"]" => return,
            text => see(text),
        }
    }
}
