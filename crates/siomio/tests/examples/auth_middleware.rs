use super::{Example, programs::auth_middleware::server};

#[test]
fn a_good_token_is_welcomed_and_others_are_told_why_not() {
    let example = Example::start(server());
    let mut good = example.connect();
    good.send("40{\"token\":\"secret-of-ada\"}");
    good.expect_start("40{\"sid\":");
    good.expect(&["42[\"welcome\",\"ada\"]"]);

    let mut bad = example.connect();
    bad.send("40{\"token\":\"guessed\"}");
    bad.expect(&["44{\"message\":\"not allowed\",\"data\":\"unknown token\"}"]);
    bad.send("40");
    let refusal = bad.expect_start("44{");
    assert!(refusal["message"].as_str().unwrap().contains("missing field `token`"), "{refusal}");
}

#[test]
fn another_thread_decides_about_the_administration_and_nobody_else_waits() {
    let example = Example::start(server());
    let mut page = example.connect();
    page.send("40/admin,{\"token\":\"secret-of-ada\"}");
    page.send("40{\"token\":\"secret-of-bob\"}");
    page.expect_start("40{\"sid\":");
    page.expect(&["42[\"welcome\",\"bob\"]"]);
    page.expect_start("40/admin,{\"sid\":");
    page.expect(&["42/admin,[\"welcome\",\"to the administration\"]"]);

    let mut other = example.connect();
    other.send("40/admin,{\"token\":\"secret-of-bob\"}");
    other.expect(&["44/admin,{\"message\":\"not an admin\"}"]);
}
