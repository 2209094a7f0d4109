//! Clients that do not read.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use siomio::{Ack, Binary, Dropped, Overflow, Sent, Server, ServerBuilder, Socket};
use siomio_testkit::{PATIENCE, ws::Ws};

use crate::{Guest, Site, common::Client, common::heartbeat, served_with, wait_until};

const SLOW: Sent = Sent::Dropped(Dropped::SlowConsumer);
const OVERFLOW: Sent = Sent::Dropped(Dropped::Overflow);

/// What a server tells a test, through a handler that may outlive it.
struct Line<T>(Mutex<Option<Receiver<T>>>);

impl<T> Line<T> {
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn open(&self) -> Sender<T> {
        let (sender, receiver) = channel();
        *self.0.lock().unwrap() = Some(receiver);
        sender
    }

    fn next(&self) -> T {
        self.0.lock().unwrap().as_ref().unwrap().recv_timeout(PATIENCE).expect("it is told")
    }

    fn try_next(&self) -> Option<T> {
        self.0.lock().unwrap().as_ref().unwrap().try_recv().ok()
    }
}

/// Tells why sockets have left.
fn tell_reasons(server: &Server, reasons: &Line<(String, &'static str)>) {
    let tell = reasons.open();
    server.on_disconnect(move |socket, reason| {
        tell.send((socket.id().to_string(), reason.as_str())).unwrap();
    });
}

/// Watches how much waits for any socket.
fn watch_buffers(server: &Server, most: &Arc<AtomicUsize>) {
    let most = most.clone();
    most.store(0, Ordering::SeqCst);
    server.on_connect(move |socket| {
        let most = most.clone();
        socket.every(Duration::from_millis(1), move |socket| {
            most.fetch_max(socket.buffered(), Ordering::SeqCst);
        });
    });
}

fn ws(guest: &mut Guest) -> &mut Ws {
    match &mut guest.client {
        Client::WebSocket { ws, .. } => ws,
        Client::Polling { .. } => panic!("it is on polling"),
    }
}

#[test]
fn emit_says_when_much_waits_and_both_are_told_when_it_has_left() {
    let (results, drained) = (Line::new(), Line::new());
    let handlers = |server: &Server| {
        let (tell, drained) = (results.open(), drained.open());
        let own = drained.clone();
        server.on_drain(move |socket| own.send(("namespace", socket.buffered())).unwrap());
        server.on_connect(move |socket| {
            let own = drained.clone();
            socket.on_drain(move |socket| own.send(("socket", socket.buffered())).unwrap());
        });
        server.on("flood", move |socket: &Socket| {
            let text = "x".repeat(10_000);
            let sent: Vec<_> = (0..10).map(|_| socket.emit("f", &text)).collect();
            tell.send((sent, socket.buffered())).unwrap();
        });
    };
    served_with(
        |builder| builder.high_water(50_000),
        handlers,
        |site| {
            for mut guest in site.guests(2) {
                for _ in 0..2 {
                    guest.ask("[\"flood\"]");
                    let (sent, buffered) = results.next();
                    let queued = sent.iter().take_while(|sent| **sent == Sent::Queued).count();
                    assert_eq!(queued, 4, "four times 10 kB and a bit are less than 50 000");
                    assert!(sent[queued..].iter().all(|sent| *sent == Sent::HighWater), "{sent:?}");
                    assert!(sent.iter().all(Sent::is_queued));
                    assert!((100_000..101_000).contains(&buffered), "{buffered}");
                    for _ in 0..10 {
                        assert_eq!(guest.client.next().len(), 2 + 10_008);
                    }
                    assert_eq!([drained.next(), drained.next()], [("namespace", 0), ("socket", 0)]);
                }
                assert_eq!(drained.try_next(), None);
            }
        },
    );
}

#[test]
fn who_never_reads_costs_no_more_than_the_cap_and_the_others_notice_nothing() {
    let (reasons, most) = (Line::new(), Arc::new(AtomicUsize::new(0)));
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        watch_buffers(server, &most);
    };
    served_with(
        |builder| builder.high_water(100_000).max_buffered(300_000),
        handlers,
        |site| {
            let deaf = [site.guest(), site.polling_guest()];
            let mut good = site.guests(4);
            let large = "x".repeat(50_000);
            let mut lost = Vec::new();
            for n in 0.. {
                site.io.emit("large", (n, &large));
                for guest in &mut good {
                    assert!(guest.client.next().starts_with(&format!("42[\"large\",{n},\"xxx")));
                }
                lost.extend(reasons.try_next());
                if lost.len() == 2 {
                    break;
                }
                assert!(n < 2000, "they are never dropped");
            }
            for guest in &deaf {
                assert!(lost.contains(&(guest.id.clone(), "slow consumer")), "{lost:?}");
            }
            let most = most.load(Ordering::SeqCst);
            assert!(most <= 300_000 + 60_000, "{most} bytes waited");
            site.io.emit("e", ());
            assert_eq!(site.who_heard("42[\"e\"]", &mut good), [0, 1, 2, 3]);
            assert_eq!(reasons.try_next(), None);
        },
    );
}

#[test]
fn a_burst_of_small_events_from_elsewhere_costs_no_more_than_the_cap() {
    let (reasons, most) = (Line::new(), Arc::new(AtomicUsize::new(0)));
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        let (tell, most) = (most.clone(), most.clone());
        tell.store(0, Ordering::SeqCst);
        // The shard is held up, so that all of it comes at once; and what waits is looked at in between.
        server.on("hold", |_: &Socket, ack: Ack| {
            ack.send(());
            std::thread::park_timeout(Duration::from_millis(300));
        });
        server.on_any_outgoing(move |socket, _| {
            most.fetch_max(socket.buffered(), Ordering::SeqCst);
        });
    };
    served_with(
        |builder| builder.shards(1).high_water(100_000).max_buffered(1_000_000),
        handlers,
        |site| {
            let (deaf, mut other) = (site.guest(), site.guest());
            other.ask("[\"hold\"]");
            let text = "x".repeat(1000);
            // Far more than the buffers of the system take.
            let to = site.io.to(&*deaf.id);
            (0..40_000).for_each(|n| drop(to.emit("e", (n, &text))));
            assert_eq!(reasons.next(), (deaf.id.clone(), "slow consumer"));
            let most = most.load(Ordering::SeqCst);
            assert!(most <= 1_010_000, "{most} bytes waited");
        },
    );
}

#[test]
fn while_much_waits_the_pace_of_reading_counts_and_not_the_heartbeat() {
    let (reasons, most) = (Line::new(), Arc::new(AtomicUsize::new(0)));
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        watch_buffers(server, &most);
    };
    let settings = |builder: ServerBuilder| {
        heartbeat(200, 600)(builder)
            .high_water(100_000)
            .max_buffered(1 << 30)
            .send_timeout(Duration::from_millis(1500))
    };
    served_with(settings, handlers, |site| {
        let mut guest = site.guest();
        let large = "x".repeat(50_000);
        const COUNT: usize = 1000;
        (0..COUNT).for_each(|n| drop(site.io.emit("large", (n, &large))));
        // Slowly, for longer than any heartbeat allows.
        let begun = Instant::now();
        let mut n = 0;
        let expect = |guest: &mut Guest, n: &mut usize| {
            let text = ws(guest).message();
            assert!(text.starts_with(&format!("42[\"large\",{n},\"xxx")), "{n}");
            *n += 1;
        };
        while begun.elapsed() < Duration::from_secs(1) {
            (0..4).for_each(|_| expect(&mut guest, &mut n));
            std::thread::park_timeout(Duration::from_millis(10));
        }
        assert!(n < COUNT, "it was to take longer");
        while n < COUNT {
            expect(&mut guest, &mut n);
        }
        assert!(most.load(Ordering::SeqCst) > 1_000_000, "it never waited");
        // The heart beats again.
        (0..2).for_each(|_| {
            assert_eq!(ws(&mut guest).text(), "2");
            ws(&mut guest).send("3");
        });
        assert_eq!(reasons.try_next(), None);
        assert_eq!(ws(&mut guest).text(), "2");
        assert_eq!(reasons.next(), (guest.id.clone(), "ping timeout"));
    });
}

#[test]
fn who_takes_nothing_for_too_long_is_a_slow_consumer_and_no_ping_timeout() {
    let reasons = Line::new();
    let settings = |builder: ServerBuilder| {
        heartbeat(200, 100)(builder)
            .high_water(100_000)
            .max_buffered(1 << 30)
            .send_timeout(Duration::from_millis(900))
    };
    served_with(
        settings,
        |server| tell_reasons(server, &reasons),
        |site| {
            let deaf = site.guest();
            let large = "x".repeat(50_000);
            let begun = Instant::now();
            // Far more than the buffers of the system take.
            (0..1000).for_each(|n| drop(site.io.emit("large", (n, &large))));
            assert_eq!(reasons.next(), (deaf.id.clone(), "slow consumer"));
            assert!(begun.elapsed() >= Duration::from_millis(900));
        },
    );
}

#[test]
fn on_polling_the_next_get_counts_and_not_the_heartbeat() {
    let reasons = Line::new();
    let settings = |builder: ServerBuilder| {
        heartbeat(300, 600)(builder).high_water(100_000).send_timeout(Duration::from_millis(2000))
    };
    served_with(
        settings,
        |server| tell_reasons(server, &reasons),
        |site| {
            let mut guest = site.polling_guest();
            let large = "x".repeat(50_000);
            // In time, although any heartbeat would be over by then.
            (0..3).for_each(|n| drop(site.io.emit("large", (n, &large))));
            std::thread::park_timeout(Duration::from_millis(1000));
            for n in 0..3 {
                assert!(guest.client.next().starts_with(&format!("42[\"large\",{n},\"xxx")));
            }
            // The heart beats again.
            guest.client.expect(&["2"]);
            guest.client.send(&["3"]);
            assert_eq!(reasons.try_next(), None);
            // Too late.
            let begun = Instant::now();
            (0..3).for_each(|n| drop(site.io.emit("large", (n, &large))));
            assert_eq!(reasons.next(), (guest.id.clone(), "slow consumer"));
            assert!(begun.elapsed() >= Duration::from_millis(2000));
            // And where little waits, the heart beats as ever.
            let idle = site.polling_guest();
            site.io.emit("e", ());
            assert_eq!(reasons.next(), (idle.id, "ping timeout"));
        },
    );
}

#[test]
fn who_asks_for_much_and_reads_nothing_is_not_listened_to() {
    const COUNT: usize = 10_000;
    let (handled, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let reasons = Line::new();
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        let (handled, most) = (handled.clone(), most.clone());
        handled.store(0, Ordering::SeqCst);
        most.store(0, Ordering::SeqCst);
        let reply = "x".repeat(5000);
        server.on("big", move |socket: &Socket, n: usize| {
            assert!(socket.emit("back", (n, &reply)).is_queued());
            handled.fetch_add(1, Ordering::SeqCst);
            most.fetch_max(socket.buffered(), Ordering::SeqCst);
        });
    };
    served_with(
        |builder| builder.high_water(200_000).max_buffered(2_000_000),
        handlers,
        |site| {
            let mut guest = site.guest();
            // All of it fits into a few reads, and what comes back into no buffer.
            let requests = (0..COUNT).map(|n| format!("42[\"big\",{n}]"));
            ws(&mut guest).send_all(requests);
            let mut before = 0;
            wait_until("the server stops", || {
                std::thread::park_timeout(Duration::from_millis(100));
                let now = handled.load(Ordering::SeqCst);
                now > 0 && now == std::mem::replace(&mut before, now)
            });
            assert!(before < COUNT, "everything was handled");
            let most = most.load(Ordering::SeqCst);
            assert!(most < 210_000, "{most} bytes waited");
            for n in 0..COUNT {
                let text = ws(&mut guest).message();
                assert!(text.starts_with(&format!("42[\"back\",{n},\"xxx")), "{n}");
            }
            assert_eq!(reasons.try_next(), None);
        },
    );
}

#[test]
fn on_polling_what_one_post_asks_for_is_bounded_too() {
    let (reasons, most) = (Line::new(), Arc::new(AtomicUsize::new(0)));
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        let most = most.clone();
        most.store(0, Ordering::SeqCst);
        let reply = "x".repeat(5000);
        server.on("big", move |socket: &Socket| {
            socket.emit("back", &reply);
            most.fetch_max(socket.buffered(), Ordering::SeqCst);
        });
    };
    served_with(
        |builder| builder.high_water(100_000).max_buffered(1_000_000),
        handlers,
        |site| {
            let guest = site.polling_guest();
            let Client::Polling { session, .. } = &guest.client else { unreachable!() };
            let mut get = session.start_get();
            assert!(get.is_quiet_for(Duration::from_millis(30)));
            // Five times what may wait.
            session.send(&["42[\"big\"]"; 1000]);
            assert_eq!(reasons.next(), (guest.id.clone(), "slow consumer"));
            // The GET has got what it could.
            let got = get.response().text().len();
            assert!((1_000_000..1_010_000).contains(&got), "{got}");
            let most = most.load(Ordering::SeqCst);
            assert!(most < 1_010_000, "{most} bytes waited");
        },
    );
}

/// Sends events, each with an attachment, until the test has seen enough, and tells what became of each. An acknowledgement is
/// kept for later.
fn streaming(
    server: &Server,
    results: &Line<(u64, Sent)>,
    acks: &Line<Ack>,
    stop: &Arc<AtomicBool>,
) {
    let (tell, keep, stop) = (results.open(), acks.open(), stop.clone());
    stop.store(false, Ordering::SeqCst);
    server.on("stream", move |socket: &Socket, ack: Ack| {
        keep.send(ack).unwrap();
        let (tell, stop, data) = (tell.clone(), stop.clone(), Binary::from(vec![7; 100_000]));
        let next = std::cell::Cell::new(0);
        socket.every(Duration::from_millis(1), move |socket| {
            for _ in 0..10 {
                if !stop.load(Ordering::SeqCst) {
                    let n = next.replace(next.get() + 1);
                    let _ = tell.send((n, socket.emit("e", (n, &data))));
                }
            }
        });
    });
}

fn on_both_transports(site: &Site, test: impl Fn(Guest)) {
    test(site.guest());
    test(site.polling_guest());
}

#[test]
fn where_the_newest_are_dropped_they_are_dropped_as_a_whole_and_acknowledgements_never() {
    let (results, acks, reasons) = (Line::new(), Line::new(), Line::new());
    let stop = Arc::new(AtomicBool::new(false));
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        streaming(server, &results, &acks, &stop);
    };
    let settings = |builder: ServerBuilder| {
        builder.high_water(200_000).max_buffered(1_000_000).overflow(Overflow::DropNewest)
    };
    served_with(settings, handlers, |site| {
        on_both_transports(site, |mut guest| {
            stop.store(false, Ordering::SeqCst);
            guest.client.send(&["4217[\"stream\"]"]);
            let ack = acks.next();
            let (mut queued, mut dropped) = (Vec::new(), 0);
            while dropped < 50 {
                match results.next() {
                    (n, sent) if sent.is_queued() => queued.push(n),
                    (_, sent) => {
                        assert_eq!(sent, OVERFLOW);
                        dropped += 1;
                    }
                }
            }
            ack.send("at last");
            stop.store(true, Ordering::SeqCst);
            // The acknowledgement comes behind all that was queued; what was on its way to the test is looked at then.
            let (mut heard, mut is_acknowledged) = (Vec::new(), false);
            let place = r#"{"_placeholder":true,"num":0}"#;
            while !is_acknowledged || heard.len() < queued.len() {
                while let Some((n, sent)) = results.try_next() {
                    queued.extend(sent.is_queued().then_some(n));
                }
                let packet = guest.client.next();
                if packet == "4317[\"at last\"]" {
                    is_acknowledged = true;
                    continue;
                }
                let n = packet.strip_prefix("451-[\"e\",").expect("an event");
                let n = n.strip_suffix(&format!(",{place}]")).expect("with an attachment");
                heard.push(n.parse::<u64>().unwrap());
                assert_eq!(guest.client.next().len(), 1 + 133_336, "the attachment follows");
            }
            assert_eq!(heard, queued);
            // There is room again.
            site.io.to(&*guest.id).emit("again", ());
            guest.client.expect(&["42[\"again\"]"]);
            site.io.to(&*guest.id).disconnect_sockets(true);
            assert_eq!(reasons.next(), (guest.id, "server namespace disconnect"));
        });
    });
}

#[test]
fn acknowledgements_that_nobody_fetches_come_to_an_end() {
    let reasons = Line::new();
    let handlers = |server: &Server| {
        tell_reasons(server, &reasons);
        server.on("doc", |_: &Socket, ack: Ack| ack.send("x".repeat(10_000)));
    };
    let settings = |builder: ServerBuilder| {
        builder.high_water(50_000).max_buffered(100_000).overflow(Overflow::DropNewest)
    };
    served_with(settings, handlers, |site| {
        let mut guest = site.polling_guest();
        guest.client.send(&["421[\"doc\"]"; 19]);
        // Twice what may wait for events, but not more.
        guest.client.send(&["42[\"e\"]"]);
        assert_eq!(reasons.try_next(), None);
        guest.client.send(&["421[\"doc\"]"; 3]);
        assert_eq!(reasons.next(), (guest.id, "slow consumer"));
    });
}

#[test]
fn what_is_dropped_says_so_to_whoever_waits_for_an_acknowledgement() {
    let results = Line::new();
    let handlers = |server: &Server| {
        let tell = results.open();
        server.on("flood", move |socket: &Socket| {
            let text = "x".repeat(10_000);
            let sent: Vec<_> = (0..12).map(|_| socket.emit("f", &text)).collect();
            assert_eq!((&sent[0], sent.last()), (&Sent::Queued, Some(&OVERFLOW)));
            let tell = tell.clone();
            let reply = socket.emit_with_ack("ask", &text, crate::LONG);
            reply.on_reply(move |reply| tell.send(reply.unwrap_err()).unwrap());
        });
    };
    let settings = |builder: ServerBuilder| {
        builder.high_water(50_000).max_buffered(100_000).overflow(Overflow::DropNewest)
    };
    served_with(settings, handlers, |site| {
        let mut guest = site.polling_guest();
        guest.ask("[\"flood\"]");
        assert_eq!(results.next(), siomio::AckError::NotSent(Dropped::Overflow));
        // The same of many: nobody waits for somebody who was not asked.
        let text = "x".repeat(10_000);
        let incomplete = site.io.emit_with_ack("ask", &text, crate::LONG).wait().unwrap_err();
        assert_eq!((incomplete.answers.len(), incomplete.missing), (0, 1));
    });
}

#[test]
fn who_is_cut_off_hears_so_from_emit() {
    let results = Line::new();
    let handlers = |server: &Server| {
        let tell = results.open();
        server.on("flood", move |socket: &Socket| {
            let text = "x".repeat(10_000);
            let sent: Vec<_> = (0..12).map(|_| socket.emit("f", &text)).collect();
            tell.send(sent).unwrap();
        });
    };
    served_with(
        |builder| builder.high_water(50_000).max_buffered(100_000),
        handlers,
        |site| {
            let mut guest = site.polling_guest();
            guest.ask("[\"flood\"]");
            let sent = results.next();
            let first = sent.iter().position(|sent| !sent.is_queued()).unwrap();
            assert_eq!((first, &sent[first]), (9, &SLOW));
            assert_eq!(sent[11], Sent::Dropped(Dropped::Disconnected));
        },
    );
}
