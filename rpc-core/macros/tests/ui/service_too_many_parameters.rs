use farcall_core::{service, Context};

struct Mixer;

#[service]
impl Mixer {
    pub fn twelve(
        &self,
        _cx: Context,
        (_a, _b): (u8, u8),
        _c: u8,
        _d: u8,
        _e: u8,
        _f: u8,
        _g: u8,
        _h: u8,
        _i: u8,
        _j: u8,
        _k: u8,
        _l: u8,
        _m: u8,
    ) {
    }

    pub fn thirteen(
        &self,
        a: u8,
        b: u8,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
        i: u8,
        j: u8,
        k: u8,
        l: u8,
        m: u8,
    ) -> [u8; 13] {
        [a, b, c, d, e, f, g, h, i, j, k, l, m]
    }
}

fn main() {}
