use super::*;

#[test]
fn only_facts_are_on_by_default() {
    let options = AgentOptions::default();
    assert!(options.facts.is_some() && !options.is_powerful());
    let options = AgentOptions::from_toml("").unwrap();
    assert!(options.facts.is_some() && !options.is_powerful());
}

#[test]
fn mistakes_in_a_file_are_errors() {
    for (text, expected) in [
        ("[run]", "does not say who may call it"),
        (
            "[runs]\nallow = []",
            "line 1, `[runs]`: unknown field `runs`",
        ),
        (
            "[run]\nallow = []\nmax_comands = 3",
            "unknown field `max_comands`",
        ),
        ("[run]\nallow = []\ntimeout = -1", "negative"),
        (
            "[files]\nallow = []\nroots = [{ path = \"/\", writ = true }]",
            "writ",
        ),
        ("[run", "line 1, `[run`: unclosed"),
        (
            "[run]\nallow = \"everyone\"\n\nfoo=1",
            "line 4, `foo=1`: unknown field `foo`, expected one of `allow`, `user`",
        ),
        (
            "[files]\nallow = []\nroots = [\"/srv\"]",
            "line 3, `roots = [\"/srv\"]`: invalid type: string \"/srv\"",
        ),
        (
            "[tail]\nallow = [\n  \"user:nobody-has-this-name\",\n]",
            "line 2, `allow = [`: `allow` names the user `nobody-has-this-name`",
        ),
        (
            "[run]\nallow = []\ngrace = \"1s\"",
            "expected a time in seconds",
        ),
    ] {
        let error = AgentOptions::from_toml(text).unwrap_err();
        let shown = farcall_core::protocol::output::Causes(&error).to_string();
        assert!(shown.contains(expected), "{text}: {shown}");
    }
    assert!(AgentOptions::default().enable("shell").is_err());
}

#[test]
fn times_are_in_seconds() {
    let text = "[run]\nallow = []\ntimeout = 90\ngrace = 0.5";
    let run = AgentOptions::from_toml(text).unwrap().run.unwrap();
    assert_eq!(run.timeout, Duration::from_secs(90));
    assert_eq!(run.grace, Duration::from_millis(500));
}
