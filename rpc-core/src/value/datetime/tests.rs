//! Parsing and display of all forms, and conversion from and to system time.

use proptest::prelude::*;

use super::*;

#[test]
fn every_form_that_peers_send_is_read() {
    let plain = DateTime::new(1998, 7, 17, 14, 8, 55).unwrap();
    let offset = |minutes| plain.with_offset(Some(minutes)).unwrap();
    let fraction = |nanos| plain.with_nanosecond(nanos).unwrap();
    let cases = [
        ("19980717T14:08:55", plain),
        ("1998-07-17T14:08:55", plain),
        ("1998-07-17 14:08:55", plain),
        ("19980717T140855", plain),
        (" \n19980717T14:08:55\t", plain),
        ("19980717t14:08:55z", offset(0)),
        ("19980717T14:08:55Z", offset(0)),
        ("19980717T14:08:55+02:00", offset(120)),
        ("19980717T14:08:55+0200", offset(120)),
        ("19980717T14:08:55+02", offset(120)),
        ("19980717T14:08:55-05:30", offset(-330)),
        ("19980717T14:08:55.5", fraction(500_000_000)),
        ("19980717T14:08:55,000001", fraction(1000)),
        ("19980717T14:08:55.1234567899", fraction(123_456_789)),
        (
            "19980717T14:08:55.25-01:00",
            fraction(250_000_000).with_offset(Some(-60)).unwrap(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse(), Ok(expected), "{text}");
        assert_eq!(expected.to_string().parse(), Ok(expected), "{expected}");
        assert_eq!(
            expected.basic().to_string().parse(),
            Ok(expected),
            "{expected}"
        );
    }
}

#[test]
fn invalid_dates_are_refused_with_the_reason() {
    for text in [
        "",
        "19980717",
        "19980717T14:08",
        "19980717T14:08:55+",
        "19980717T14:08:55.",
        "now",
        "19980717T14:08:55 UTC",
        "1998-7-17T14:08:55",
        "19980717T14:08:55+2",
        "１９９８0717T14:08:55",
        "19980717T14:08:55+02:60",
    ] {
        let error = text.parse::<DateTime>().unwrap_err();
        assert!(matches!(error, DateTimeError::Form(_)), "{text}: {error}");
    }
    for (text, part) in [
        ("19980017T14:08:55", "month"),
        ("19981317T14:08:55", "month"),
        ("19980230T14:08:55", "day"),
        ("19000229T00:00:00", "day"),
        ("19980700T14:08:55", "day"),
        ("19980717T24:08:55", "hour"),
        ("19980717T14:60:55", "minute"),
        ("19980717T14:08:61", "second"),
        ("19980717T14:08:55+24:00", "offset"),
    ] {
        assert_eq!(
            text.parse::<DateTime>(),
            Err(DateTimeError::Range(part)),
            "{text}"
        );
    }
    assert!(
        "20000229T23:59:60".parse::<DateTime>().is_ok(),
        "leap day, leap second"
    );
}

#[test]
fn dates_are_displayed_in_both_forms() {
    let datetime: DateTime = "2026-01-02T03:04:05.067+05:30".parse().unwrap();
    assert_eq!(datetime.to_string(), "2026-01-02T03:04:05.067+05:30");
    assert_eq!(datetime.basic().to_string(), "20260102T03:04:05.067+05:30");
}

#[test]
fn system_time_survives_a_round_trip() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0i64),
        ("1969-12-31T23:59:59Z", -1),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("0000-01-01T00:00:00Z", -62_167_219_200),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ] {
        let datetime: DateTime = text.parse().unwrap();
        let time = SystemTime::from(datetime);
        let since = time.duration_since(SystemTime::UNIX_EPOCH).map_or_else(
            |before| -(before.duration().as_secs() as i64),
            |since| since.as_secs() as i64,
        );
        assert_eq!(since, seconds, "{text}");
        assert_eq!(DateTime::from(time), datetime);
    }
    let half = SystemTime::UNIX_EPOCH - Duration::from_millis(500);
    assert_eq!(DateTime::from(half).to_string(), "1969-12-31T23:59:59.5Z");
    assert_eq!(SystemTime::from(DateTime::from(half)), half);
    let east: DateTime = "1970-01-01T02:00:00+02:00".parse().unwrap();
    assert_eq!(SystemTime::from(east), SystemTime::UNIX_EPOCH);
}

#[test]
fn the_longest_and_the_shortest_text_are_displayed() {
    for text in [
        "9999-12-31T23:59:60.999999999-23:59",
        "9999-12-31T23:59:60.000000001+23:59",
        "0007-01-01T00:00:00",
    ] {
        assert_eq!(text.parse::<DateTime>().unwrap().to_string(), text);
    }
}

fn date() -> impl Strategy<Value = DateTime> {
    let day = (0..=9999_u16, 1..=12_u8, 1..=28_u8);
    let time = (0..=23_u8, 0..=59_u8, 0..=60_u8, 0..=999_999_999_u32);
    let offset = proptest::option::of(-1439..=1439_i16);
    (day, time, offset).prop_map(
        |((year, month, day), (hour, minute, second, nanosecond), offset)| {
            let date = DateTime::new(year, month, day, hour, minute, second).unwrap();
            let date = date.with_nanosecond(nanosecond).unwrap();
            date.with_offset(offset).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn any_date_survives_its_texts(date in date()) {
        prop_assert_eq!(date.to_string().parse(), Ok(date));
        prop_assert_eq!(date.basic().to_string().parse(), Ok(date));
    }

    #[test]
    fn any_moment_survives_system_time(date in date()) {
        let time = SystemTime::from(date);
        // At either end of the range, the offset may lead to a year outside it.
        if (1..9999).contains(&date.year()) {
            prop_assert_eq!(SystemTime::from(DateTime::from(time)), time);
        }
    }

    #[test]
    fn any_text_is_a_date_or_an_error(
        text: String,
        date in date(),
        place: prop::sample::Index,
        damage in prop::sample::select(vec!['0', '9', 'T', ':', '.', ',', '+', '-', 'Z', ' ']),
    ) {
        let mut damaged: Vec<char> = date.to_string().chars().collect();
        let place = place.index(damaged.len());
        damaged[place] = damage;
        for text in [text, damaged.into_iter().collect()] {
            if let Ok(read) = text.parse::<DateTime>() {
                prop_assert_eq!(read.to_string().parse(), Ok(read), "{}", text);
                prop_assert_eq!(read.basic().to_string().parse(), Ok(read), "{}", text);
            }
        }
    }
}
