use super::{Client, Example, programs::recovery::server};

#[test]
fn who_comes_back_is_the_same_client_and_has_missed_no_number() {
    let example = Example::start(server());
    let mut page = example.connect();
    page.send("40");
    let first = page.expect_start("40{");
    assert_eq!(page.expect_start("42[\"visits\",")[1], 1);
    let (last, offset) = tick(&mut page);
    page.lose();

    // Another page counts on, so that there is something to miss.
    let mut other = example.join();
    assert_eq!(other.expect_start("42[\"visits\",")[1], 1);
    while tick(&mut other).0 < last + 3 {}

    let mut page = example.connect();
    page.send(&format!("40{{\"pid\":{},\"offset\":{offset}}}", first["pid"]));
    // What was missed comes first, or behind the answer; in any case complete and in order.
    let mut expected = last + 1;
    let (mut is_back, mut is_told) = (false, false);
    while !is_back || !is_told || expected < last + 5 {
        let packet = page.next();
        let data: serde_json::Value =
            serde_json::from_str(&packet[packet.find(['[', '{']).unwrap()..]).unwrap();
        if packet.starts_with("40{") {
            assert_eq!((&data["sid"], &data["pid"]), (&first["sid"], &first["pid"]));
            is_back = true;
        } else if data[0] == "visits" {
            assert_eq!(data[1], 2, "its data is kept");
            is_told = true;
        } else {
            assert_eq!((&data[0], &data[1]), (&"tick".into(), &expected.into()));
            expected += 1;
        }
    }
}

#[test]
fn who_does_not_come_back_is_new() {
    let example = Example::start(server());
    let (mut page, mut next) = (example.connect(), example.connect());
    page.send("40");
    let first = page.expect_start("40{");
    page.lose();
    next.send("40");
    assert_ne!(next.expect_start("40{")["sid"], first["sid"]);
    assert_eq!(next.expect_start("42[\"visits\",")[1], 1);
}

/// The next number, and the offset to come back with.
fn tick(page: &mut Client) -> (u64, serde_json::Value) {
    let tick = page.expect_start("42[\"tick\",");
    (tick[1].as_u64().unwrap(), tick[2].clone())
}
